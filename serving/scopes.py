"""What a key or a token may be for."""

from typing import Literal, get_args

Scope = Literal["recommend", "score", "events", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
