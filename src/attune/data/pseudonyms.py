"""Pseudonyms: the raw customer id stops here; inside, a customer is a keyed hash of it."""

import hashlib
import hmac
import secrets
import stat
from functools import lru_cache
from pathlib import Path

import pandas as pd

from attune.config import Workspace
from attune.errors import DataError
from attune.private_files import place_first

KEY_BYTES = 32
PREFIX = "c_"
DIGITS = 32


def pseudonymise(key: bytes, ids: pd.Series) -> pd.Series:
    """Replace raw ids (str) by their pseudonyms, as categories; a missing id stays missing.

    HMAC-SHA256 (RFC 2104), cut to 128 bits: whoever lacks the key can neither invert a pseudonym nor
    test a guess, and two customers share one with a chance below 1e-26 even among a million.

    >>> pseudonymise(b"k" * 32, pd.Series(["ann", "bob", "ann"])).nunique()
    2
    """
    categories = ids.astype("category").cat
    names = [pseudonym(key, str(raw)) for raw in categories.categories]
    return categories.rename_categories(names)


def pseudonym(key: bytes, raw: str) -> str:
    """Replace one raw id by its pseudonym: what serving does at its door."""
    digest = _keyed(key).copy()
    digest.update(raw.encode("utf-8"))
    return PREFIX + digest.hexdigest()[:DIGITS]


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> hmac.HMAC:
    """HMAC-SHA256 that has read the key: to begin OpenSSL's own each time costs a busy server more."""
    return hmac.new(key, digestmod=_sha256)


def _sha256(start: bytes = b"") -> "hashlib._Hash":
    return hashlib.sha256(start)


def workspace_key(workspace: Workspace) -> bytes:
    """The key of a workspace; made for the first import, and never again once there are tables.

    Raises:
        DataError: There are tables but no key: under a new one every customer would be a stranger. Or the key
            is not fit for use.
    """
    if not workspace.pseudonym_key.exists() and any(workspace.tables.glob("*.parquet")):
        raise DataError(
            f"{workspace.tables} holds tables, but their pseudonym key {workspace.pseudonym_key} is gone; "
            "restore it from a backup, or remove the tables and import everything again under a new key"
        )
    return load_or_make_key(workspace.pseudonym_key)


def load_or_make_key(path: Path) -> bytes:
    """Read the pseudonym key; make it on first use, readable by its owner alone.

    Two processes that start at once end with one and the same key.

    Raises:
        DataError: Others can read the file, or it is shorter than 32 bytes.
    """
    if not path.exists():
        place_first(path, secrets.token_bytes(KEY_BYTES))
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise DataError(
            f"the pseudonym key {path} has mode {mode:04o}, so others can read it; run chmod 600 on it, "
            "and replace it if somebody may have copied it"
        )
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise DataError(
            f"the pseudonym key {path} has {len(key)} bytes, at least {KEY_BYTES} are needed; restore it "
            "from a backup, or remove it and import everything again under a new key"
        )
    return key
