"""API keys by configuration, compared in constant time; each with what it may be used for."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from attune.errors import ConfigError
from serving.scopes import SCOPES

KEYS_VARIABLE = "ATTUNE_API_KEYS"
KEYS_FILE_VARIABLE = "ATTUNE_API_KEYS_FILE"
SHORTEST_KEY = 16


@dataclass(frozen=True)
class KnownKey:
    """A key as the server knows it.

    Attributes:
        digest: Of the key; the key itself is not kept.
        scopes: What it may be used for.
    """

    digest: bytes
    scopes: frozenset[str]

    @cached_property
    def name(self) -> str:
        """What limits and logs know it by."""
        return f"key {self.digest.hex()[:12]}"


class ApiKeys:
    """The keys that open this server; without any, only callers on this machine are answered."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Keep the digests of the keys, never the keys.

        Args:
            lines: Each a key, and after blanks the scopes it has; without a scope it has all.

        Raises:
            ConfigError: A key is too short to be a secret, or a scope is none.
        """
        words = [line.split() for line in lines if line.strip()]
        if wrong := {word for _, *scopes in words for word in scopes} - set(SCOPES):
            raise ConfigError(f"an API key has {len(wrong)} scope(s) that there are not; {SCOPES} are wanted")
        if any(len(key) < SHORTEST_KEY for key, *_ in words):
            raise ConfigError(
                f"an API key is shorter than {SHORTEST_KEY} characters; make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
            )
        self._known = tuple(
            KnownKey(_digest(key.encode()), frozenset(scopes or SCOPES)) for key, *scopes in words
        )

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The keys of ATTUNE_API_KEYS (between commas) and of the file that ATTUNE_API_KEYS_FILE names.

        Raises:
            ConfigError: The file cannot be read or names no key, or a key is too short.
        """
        keys = environment.get(KEYS_VARIABLE, "").split(",")
        if name := environment.get(KEYS_FILE_VARIABLE):
            keys += _keys_of(Path(name))
        return cls(keys)

    def __bool__(self) -> bool:
        return bool(self._known)

    def find(self, shown: bytes) -> KnownKey | None:
        """The key that was shown, if it is one of ours."""
        digest = _digest(shown)
        # All keys are compared, so that the time says nothing about which one came close.
        matches = [known for known in self._known if hmac.compare_digest(digest, known.digest)]
        return matches[0] if matches else None


def is_loopback(host: str) -> bool:
    """Say whether an address can be reached from this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=32).digest()


def _keys_of(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{KEYS_FILE_VARIABLE} names {path}, which cannot be read: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise ConfigError(f"{KEYS_FILE_VARIABLE} names {path}, which holds no key; write one a line")
    return keys
