"""Signed tokens (JWT, RFC 7519): who issued them, for whom, until when, and for what.

`ATTUNE_TOKENS` holds a JSON object: `issuer`, `audience` and `keys`, each with an `algorithm` and the `file`
of its public key (of the shared secret, for HS256), and a `kid` where there are several. A key verifies by
its own algorithm alone, whatever a token says: neither `none` nor a public key as a secret gets in.
`revoked_file`, one `jti` a line, is read again when it changed.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import jwt
from pydantic import Field

from attune.config import Settings
from attune.errors import ConfigError

TOKENS_VARIABLE = "ATTUNE_TOKENS"
LONGEST_TOKEN = 8 * 1024
SHORTEST_SECRET = 32
LEEWAY_SECONDS = 5
MOST_REMEMBERED = 10_000
CLAIMS = ("exp", "iat", "iss", "aud", "sub")

Algorithm = Literal["EdDSA", "ES256", "RS256", "PS256", "HS256"]


class TokenKey(Settings):
    """A key that tokens are verified with."""

    algorithm: Algorithm
    file: Path
    kid: str | None = None


class TokenSettings(Settings):
    """Whose tokens open this server."""

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    keys: tuple[TokenKey, ...] = Field(min_length=1)
    revoked_file: Path | None = None


class Tokens:
    """Verifies tokens; those that were verified are remembered until they expire."""

    def __init__(self, settings: TokenSettings) -> None:
        """Read the keys.

        Raises:
            ConfigError: A key cannot be read or is none of its algorithm, or two have the same name.
        """
        self._settings = settings
        self._keys = {key.kid: (key.algorithm, _read(key)) for key in settings.keys}
        if len(self._keys) < len(settings.keys):
            raise ConfigError(f"two keys of {TOKENS_VARIABLE} have the same kid; give each one of its own")
        self._lock = threading.Lock()
        self._verified: dict[bytes, Mapping[str, Any]] = {}
        self._revoked: frozenset[str] = frozenset()
        self._revoked_at: int | None = None

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Self | None:
        """What the environment says; None where it speaks of no tokens.

        Raises:
            ConfigError: It is no JSON object of such settings, or a key is unfit.
        """
        text = environment.get(TOKENS_VARIABLE, "")
        if not text:
            return None
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{TOKENS_VARIABLE} is not JSON ({error}); unset it or correct it") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{TOKENS_VARIABLE} holds no object; issuer, audience and keys are wanted")
        return cls(TokenSettings.parse(values))

    def claims(self, token: bytes) -> Mapping[str, Any] | None:
        """The claims of a token that holds; None for any that does not, without a word why."""
        if not 0 < len(token) <= LONGEST_TOKEN:
            return None
        digest = hashlib.sha256(token).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._verify(token)
            if claims is None:
                return None
            self._remember(digest, claims)
        elif claims["exp"] + LEEWAY_SECONDS <= time.time():
            self._verified.pop(digest, None)
            return None
        return None if claims.get("jti") in self._now_revoked() else claims

    def _verify(self, token: bytes) -> Mapping[str, Any] | None:
        try:
            head = jwt.get_unverified_header(token)
            algorithm, key = self._keys[head.get("kid") if None not in self._keys else None]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(CLAIMS), "strict_aud": True},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return None
        return claims

    def _remember(self, digest: bytes, claims: Mapping[str, Any]) -> None:
        with self._lock:
            while len(self._verified) >= MOST_REMEMBERED:
                self._verified.pop(next(iter(self._verified)))
            self._verified[digest] = claims

    def _now_revoked(self) -> frozenset[str]:
        """The ids of tokens that count no more; a file that cannot be read leaves what was known."""
        file = self._settings.revoked_file
        if file is None:
            return self._revoked
        try:
            changed = file.stat().st_mtime_ns
            if changed != self._revoked_at:
                self._revoked = frozenset(file.read_text(encoding="utf-8").split())
                self._revoked_at = changed
        except (OSError, UnicodeDecodeError):
            return self._revoked
        return self._revoked


def _read(key: TokenKey) -> Any:
    try:
        text = key.file.read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"{TOKENS_VARIABLE} names {key.file}, which cannot be read: {error}") from error
    if key.algorithm == "HS256":
        if len(text) < SHORTEST_SECRET or b"-----BEGIN" in text:
            raise ConfigError(
                f"{key.file} holds no secret of at least {SHORTEST_SECRET} characters for HS256"
            )
        return text
    try:
        return jwt.get_algorithm_by_name(key.algorithm).prepare_key(text)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ConfigError(f"{key.file} holds no public key for {key.algorithm}: {error}") from error
