"""Moments: every time in a table is UTC with microseconds."""

from datetime import datetime

import pandas as pd

from attune.errors import DataError


def utc(moment: datetime) -> pd.Timestamp:
    """Turn a moment with a time zone into UTC with microseconds.

    Raises:
        DataError: The moment carries no time zone, so nobody can say which instant it is.
    """
    stamp = pd.Timestamp(moment)
    if stamp.tzinfo is None:
        raise DataError(f"{moment} has no time zone, but every time here is UTC; write it as {moment}+00:00")
    return stamp.tz_convert("UTC").as_unit("us")
