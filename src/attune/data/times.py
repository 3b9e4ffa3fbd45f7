"""Moments: every time in a table is UTC with microseconds."""

from datetime import UTC, datetime

import pandas as pd

from attune.errors import ConfigError, DataError

YEARS = range(1678, 2262)  # pandas counts nanoseconds while it reads


def utc(moment: datetime) -> pd.Timestamp:
    """Turn a moment with a time zone into UTC with microseconds.

    Raises:
        DataError: The moment carries no time zone, so nobody can say which instant it is.
    """
    stamp = pd.Timestamp(moment)
    if stamp.tzinfo is None:
        raise DataError(f"{moment} has no time zone, but every time here is UTC; write it as {moment}+00:00")
    return stamp.tz_convert("UTC").as_unit("us")


def parse_moment(text: str) -> pd.Timestamp:
    """Read a date or time as people write it; without a time zone it is UTC.

    >>> parse_moment("2017-09-03")
    Timestamp('2017-09-03 00:00:00+0000', tz='UTC')

    Raises:
        ConfigError: It is no date, or one that no table can hold.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no date; write it like 2017-09-03") from error
    if moment.year not in YEARS:
        raise ConfigError(f"{text!r} is not in the years {YEARS[0]} to {YEARS[-1]}, those of every table")
    return utc(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
