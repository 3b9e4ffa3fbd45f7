"""Rows of a view between two times, and the latest of each key among them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from attune.errors import FeatureError
from attune.features.asof_source import POSITION


def rows_between(
    files: Sequence[Path], time: str, columns: Sequence[str], start: datetime | None, end: datetime | None
) -> pl.LazyFrame:
    """The rows of files whose time lies between two moments, both included; None is no bound.

    Raises:
        FeatureError: There are no files.
    """
    if not files:
        raise FeatureError("the source has no files; run the features pipeline first")
    bounds = []
    if start is not None:
        bounds.append(pl.col(time) >= start)
    if end is not None:
        bounds.append(pl.col(time) <= end)
    return pl.scan_parquet(list(files), extra_columns="ignore").filter(*bounds).select(columns)


def latest_rows(
    files: Sequence[Path],
    keys: Sequence[str],
    times: Sequence[str],
    columns: Sequence[str],
    period: tuple[datetime, datetime],
) -> pl.DataFrame:
    """The latest row of each key within a period, both ends included.

    Args:
        files: Parquet files; the last in their order wins a complete tie.
        keys: The columns of a key.
        times: The event time, then the record time where there is one.
        columns: What is returned.
        period: Its first and its last moment.

    Returns:
        One row a key, in the order of the files.
    """
    start, end = period
    scan = pl.scan_parquet(list(files), row_index_name=POSITION, extra_columns="ignore")
    within = scan.filter(pl.col(times[0]) >= start, pl.col(times[0]) <= end)
    latest = (
        within.select(POSITION, *keys, *times)
        .sort(*times, POSITION, nulls_last=False)
        .unique(list(keys), keep="last")
        .select(POSITION)
    )
    found = scan.select(POSITION, *columns).join(latest, on=POSITION, how="semi", maintain_order="left")
    return found.drop(POSITION).collect(engine="streaming")
