"""From what the online store says of a customer to the one-row table that a model reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from attune import columns as c
from attune.features.schema import MESSAGE_CONTEXT, features_of, views_of

Values = Mapping[str, Any]


def example(values: Values, moment: datetime) -> pd.DataFrame:
    """One example as the models know it: the features of their service and the date these are as of."""
    times = pd.DatetimeIndex([moment]).as_unit("us")
    return pd.DataFrame({c.EVENT_TIMESTAMP: times} | {name: [value] for name, value in values.items()})


def nobody(service: str) -> Values:
    """The features of somebody of whom nothing is known: no purchase, and no word about the household."""
    empty: dict[str, Any] = {"string": c.UNKNOWN, "int64": 0, "float64": 0.0}
    values = {name: empty.get(kind, []) for name, kind in features_of(service).items()}
    if MESSAGE_CONTEXT.name in views_of(service):
        values |= dict(zip(c.MESSAGE_COLUMNS, (c.UNKNOWN, c.UNKNOWN, 12, 0, 28.0), strict=True))
    return values
