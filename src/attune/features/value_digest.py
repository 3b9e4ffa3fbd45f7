"""A short digest of feature values: what an answer rested on, proved later without keeping the values."""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from attune.features.online import OnlineRow
from attune.features.schema import views_of

DIGEST_BYTES = 16


def value_digest(values: Mapping[str, Any]) -> str:
    """Equal if and only if the values are, to the last bit of a number; their order does not matter.

    What is not finite is a missing one.

    >>> value_digest({"a": 1, "b": [0.5]}) == value_digest({"b": [0.5], "a": 1})
    True
    """
    text = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest()


def digests_of(service: str, row: OnlineRow) -> dict[str, dict[str, str]]:
    """What a model was told of one customer, view by view: `{"as_of": ..., "digest": ...}`.

    Args:
        service: The service that was read.
        row: What the store answered; a view that gave no value, none or expired ones, is left out.
    """
    said: dict[str, dict[str, str]] = {}
    for view, names in views_of(service).items():
        values = {name: row.values[name] for name in names}
        given = next((name for name, value in values.items() if value is not None), None)
        moment = row.event_timestamps[given] if given else None
        if moment is not None:
            said[view] = {"as_of": moment.isoformat(), "digest": value_digest(values)}
    return said
