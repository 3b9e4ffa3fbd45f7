"""The moment that work without a date means: the last one of which the tables know everything."""

from pathlib import Path

import pandas as pd

from attune.columns import EVENT_TIMESTAMP
from attune.data.interactions import read_interactions
from attune.data.splits import on_grid
from attune.data.times import parse_moment


def latest_moment(tables: Path) -> pd.Timestamp:
    """The last as-of date of the tables: a Sunday at midnight with data up to it.

    Raises:
        DataError: There are no tables.
    """
    return on_grid(read_interactions(tables, [EVENT_TIMESTAMP])[EVENT_TIMESTAMP].max())


def named_or_latest(now: str, tables: Path) -> pd.Timestamp:
    """A date that was named, or the tables' last as-of date: a run that repeats by the clock names none.

    Raises:
        ConfigError: What was named is no date.
        DataError: None was named, and there are no tables.
    """
    return parse_moment(now) if now else latest_moment(tables)
