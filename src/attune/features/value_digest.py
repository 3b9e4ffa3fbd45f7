"""A short digest of feature values: what an answer rested on, proved later without keeping the values."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from attune.features.online import OnlineRow
from attune.features.schema import views_of

DIGEST_BYTES = 16
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def value_digest(values: Mapping[str, Any]) -> str:
    """Equal if and only if the values are, to the last bit of a number; their order does not matter.

    >>> value_digest({"a": 1, "b": [0.5]}) == value_digest({"b": [0.5], "a": 1})
    True
    """
    return hashlib.blake2b(_ENCODE(values).encode(), digest_size=DIGEST_BYTES).hexdigest()


def digests_of(service: str, row: OnlineRow) -> dict[str, dict[str, str]]:
    """What a model was told of one customer, view by view: `{"as_of": ..., "digest": ...}`.

    Args:
        service: The service that was read.
        row: What the store answered; a view that gave no value, none or expired ones, is left out.
    """
    said: dict[str, dict[str, str]] = {}
    for view, names in views_of(service).items():
        times = [row.event_timestamps[name] for name in names if row.values[name] is not None]
        if times and times[0] is not None:
            digest = value_digest({name: row.values[name] for name in names})
            said[view] = {"as_of": times[0].isoformat(), "digest": digest}
    return said
