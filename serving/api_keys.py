"""Who may call: keys by configuration, compared in constant time."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from attune.errors import ConfigError

KEYS_VARIABLE = "ATTUNE_API_KEYS"
KEYS_FILE_VARIABLE = "ATTUNE_API_KEYS_FILE"
SHORTEST_KEY = 16


class ApiKeys:
    """The keys that open this server; without any, only callers on this machine are answered."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Keep the digests of the keys, never the keys.

        Raises:
            ConfigError: A key is too short to be a secret.
        """
        keys = tuple(keys)
        if any(len(key) < SHORTEST_KEY for key in keys):
            raise ConfigError(
                f"an API key is shorter than {SHORTEST_KEY} characters; make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        self._digests = tuple(_digest(key.encode()) for key in keys)

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The keys of ATTUNE_API_KEYS (between commas) and of the file that ATTUNE_API_KEYS_FILE names.

        Raises:
            ConfigError: The file cannot be read or names no key, or a key is too short.
        """
        keys = [key.strip() for key in environment.get(KEYS_VARIABLE, "").split(",")]
        if name := environment.get(KEYS_FILE_VARIABLE):
            keys += _keys_of(Path(name))
        return cls(key for key in keys if key)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def open_for(self, headers: Mapping[bytes, bytes]) -> bool:
        """Say whether the request carries one of the keys, as `X-API-Key` or as a bearer token."""
        key = headers.get(b"x-api-key")
        if key is None:
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            key = token.strip() if scheme.lower() == b"bearer" else b""
        digest = _digest(key)
        # All keys are compared, so that the time says nothing about which one came close.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(matches)


def is_loopback(host: str) -> bool:
    """Say whether an address can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _keys_of(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{KEYS_FILE_VARIABLE} names {path}, which cannot be read: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise ConfigError(f"{KEYS_FILE_VARIABLE} names {path}, which holds no key; write one a line")
    return keys
