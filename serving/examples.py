"""From what the online store says of a customer to the one-row table that a model reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from attune import columns as c
from attune.features.online import USABLE, FeatureStatus, OnlineRow
from attune.features.schema import features_of

Values = Mapping[str, Any]


def is_complete(row: OnlineRow) -> bool:
    """Whether every feature has a value, be it a stale one."""
    return USABLE.issuperset(row.statuses.values())


def is_stale(row: OnlineRow) -> bool:
    """Whether a value is older than its view's time to live."""
    return FeatureStatus.STALE in row.statuses.values()


def as_of(row: OnlineRow) -> datetime:
    """The date of the latest snapshot in a complete row."""
    return max(moment for moment in row.event_timestamps.values() if moment is not None)


def example(values: Values, moment: datetime) -> pd.DataFrame:
    """One example as the models know it: the features of their service and the date these are as of."""
    times = pd.DatetimeIndex([moment]).as_unit("us")
    return pd.DataFrame({c.EVENT_TIMESTAMP: times} | {name: [value] for name, value in values.items()})


def nobody(service: str) -> Values:
    """The features of somebody of whom nothing is known: no purchase, and no word about the household."""
    empty: dict[str, Any] = {"string": c.UNKNOWN, "int64": 0, "float64": 0.0}
    return {name: empty.get(kind, []) for name, kind in features_of(service).items()}
