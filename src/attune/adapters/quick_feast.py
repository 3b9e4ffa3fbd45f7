"""Imported before Feast, it halves the time that importing Feast takes.

Feast decorates its classes with `typeguard.typechecked`, which parses and rewrites their sources at every
start (5 of 11 CPU seconds, Feast 0.67 with typeguard 4.6). mypy and tests check what we hand it.
"""

from typing import Any

import typeguard


def _as_it_is(target: Any = None, **_options: Any) -> Any:
    return _as_it_is if target is None else target


typeguard.typechecked = _as_it_is
