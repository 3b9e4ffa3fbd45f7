"""Who calls, and what they may do: by an API key, by a signed token, or from this machine."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from serving.api_keys import ApiKeys
from serving.scopes import SCOPES, Scope
from serving.tokens import Tokens


@dataclass(frozen=True)
class Caller:
    """Somebody who may call.

    Attributes:
        name: What limits and logs know them by; never a key.
        scopes: What they may do; admin may do everything.
    """

    name: str
    scopes: frozenset[str]

    def may(self, scope: Scope) -> bool:
        """Whether a route of a scope is open to them."""
        return scope in self.scopes or "admin" in self.scopes


HERE = Caller("this machine", frozenset(SCOPES))


class Access:
    """The keys and tokens of one server."""

    def __init__(self, keys: ApiKeys, tokens: Tokens | None = None) -> None:
        self._keys = keys
        self._tokens = tokens

    @classmethod
    def here(cls) -> Self:
        """What the environment says.

        Raises:
            ConfigError: A key or a setting is unfit.
        """
        return cls(ApiKeys.here(), Tokens.here())

    def __bool__(self) -> bool:
        """Whether a caller has to show anything."""
        return bool(self._keys) or self._tokens is not None

    def caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Whose key or token a request carries, as `X-API-Key` or as a bearer; None for nobody's."""
        shown = headers.get(b"x-api-key")
        if shown is not None:
            return self._by_key(shown)
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return self._by_key(token.strip()) or self._by_token(token.strip())

    def _by_key(self, shown: bytes) -> Caller | None:
        found = self._keys.find(shown)
        return Caller(found.name, found.scopes) if found else None

    def _by_token(self, token: bytes) -> Caller | None:
        claims = self._tokens.claims(token) if self._tokens else None
        if claims is None:
            return None
        granted = claims.get("scope")
        words = granted.split() if isinstance(granted, str) else []
        # The subject may be a person's address: limits and logs know it by a digest.
        subject = hashlib.sha256(str(claims["sub"]).encode()).hexdigest()[:12]
        return Caller(f"token {subject}", frozenset(words).intersection(SCOPES))
