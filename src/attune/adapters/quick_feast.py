"""Imported before Feast, it cuts the time that importing Feast takes to a third.

Feast decorates its classes with `typeguard.typechecked`, which parses and rewrites their sources at every
start (5 of 11 CPU seconds, Feast 0.67 with typeguard 4.6); mypy and tests check what we hand it. And it
imports torch, where there is one, for answers as tensors, which we do not ask for (half of the rest).
"""

import sys
from typing import Any

import typeguard


def _as_it_is(target: Any = None, **_options: Any) -> Any:
    return _as_it_is if target is None else target


typeguard.typechecked = _as_it_is

if "torch" not in sys.modules:
    sys.modules["torch"] = None  # type: ignore[assignment]  # `import torch` fails, as without it
    try:
        import feast as feast
    finally:
        del sys.modules["torch"]
