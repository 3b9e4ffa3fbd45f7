"""The point-in-time join: what was known about each key at each row's time, for many feature views at once.

For a row (key, t) a view gives its row of the latest event not after t that had been recorded by t. An equal
event is settled by the record time, a complete tie by the order of the files. A row older than the view's
time to live gives nulls, and so does a null in the latest row: there is never a fall-back to something
older. Rows come back all of them, in the order given.

Keys and times of a view stay in memory, about `BYTES_A_ROW` for each row about which somebody asks. A view
that would take more than the bound is split by its keys into parts on disk, which are joined one by one.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np
import polars as pl

from attune.columns import EVENT_TIMESTAMP
from attune.errors import FeatureError
from attune.features.asof_choose import NO_ROW, History, Int64s, Questions, latest_known
from attune.features.asof_keys import KeyCodes, as_text
from attune.features.asof_source import UTC_TIME, AsOfView, FeatureRows, check_time
from attune.features.asof_spill import spilled
from attune.progress import say

BYTES_A_ROW = 128
DEFAULT_MEMORY = 2 * 2**30
MICROSECOND = timedelta(microseconds=1)


def join_as_of(
    rows: pl.DataFrame,
    views: Sequence[AsOfView],
    *,
    time: str = EVENT_TIMESTAMP,
    only_known: bool = True,
    memory: int = DEFAULT_MEMORY,
) -> pl.DataFrame:
    """Put beside each row what the views knew at its time.

    Args:
        rows: N rows: the keys of all views, the time (with any zone), and whatever else.
        views: What is asked, of which files.
        time: The column of the rows' times.
        only_known: Whether what was recorded after a row's time counts as unknown; otherwise the record time
            only settles equal events.
        memory: Bytes that keys and times of one view may take before they are split into parts on disk.

    Returns:
        The N rows in the order given, then the features, view by view.

    Raises:
        FeatureError: A column is missing, has the wrong type or is there twice; or a time is null.
    """
    times = _times(rows, time)
    taken = list(rows.columns)
    for view in views:
        twice = [name for name in view.features if name in taken]
        if twice:
            raise FeatureError(f"feature {twice[0]!r} of {view.name!r} is a column already; rename one")
        taken += view.features
    known: dict[tuple[str, ...], tuple[KeyCodes, Questions]] = {}
    columns = list(rows)
    for view in views:
        source, key = FeatureRows(view, rows.schema), tuple(view.keys)
        if key not in known:
            known[key] = _questions(rows, key, times)
        chosen = _chosen(source, view, *known[key], only_known=only_known, memory=memory)
        columns += _values(source, chosen)
    return pl.DataFrame(columns)


def _times(rows: pl.DataFrame, time: str) -> Int64s:
    if time not in rows.columns:
        raise FeatureError(f"the rows have no column {time!r}, only: {', '.join(rows.columns)}")
    check_time(rows.schema[time], f"column {time!r} of the rows")
    if rows[time].null_count():
        raise FeatureError(f"{rows[time].null_count():,} rows have no {time!r}; drop them or give them one")
    return rows[time].cast(UTC_TIME).to_physical().to_numpy()


def _questions(rows: pl.DataFrame, key: Sequence[str], times: Int64s) -> tuple[KeyCodes, Questions]:
    keys = KeyCodes.of(rows, key)
    codes = keys.encode(as_text(rows.select(key))).cast(pl.Int64).fill_null(NO_ROW)
    return keys, Questions(codes.to_numpy(), times)


def _chosen(
    source: FeatureRows,
    view: AsOfView,
    keys: KeyCodes,
    questions: Questions,
    *,
    only_known: bool,
    memory: int,
) -> Int64s:
    """The position of each question's row in the source, `NO_ROW` where there is none."""
    ttl = view.ttl // MICROSECOND if view.ttl else None
    last = int(questions.time.max(initial=0))
    batches = source.batches(keys, last, only_known)
    most = source.count()
    parts = math.ceil(most * BYTES_A_ROW / memory)
    if parts <= 1:
        return latest_known(_together(batches, most), questions, ttl, only_known)
    chosen = np.full(len(questions.code), NO_ROW, dtype=np.int64)
    with spilled(batches, len(keys), parts) as stored:
        for number, (first, end, history) in enumerate(stored, start=1):
            mine = np.flatnonzero((questions.code >= first) & (questions.code < end))
            asked = Questions(questions.code[mine] - first, questions.time[mine])
            chosen[mine] = latest_known(history, asked, ttl, only_known)
            say(f"{view.name}: joined part {number} of {parts}, {len(mine):,} rows")
    return chosen


def _together(batches: Iterable[History], most: int) -> History:
    """Batches as one, at most so many rows; memory that no row reaches is never taken."""
    columns = [np.empty(most, dtype=np.int64) for _ in History._fields]
    end = 0
    for batch in batches:
        start, end = end, end + len(batch.code)
        for column, part in zip(columns, batch, strict=True):
            column[start:end] = part
    return History(*(column[:end] for column in columns))


def _values(source: FeatureRows, chosen: Int64s) -> list[pl.Series]:
    """The features of each question, null where no row was chosen."""
    found = chosen != NO_ROW
    positions, places = np.unique(chosen[found], return_inverse=True)
    values = source.values(positions)
    numbers = np.zeros(len(chosen), dtype=np.uint32)
    numbers[found] = places
    index = pl.Series(numbers).set(pl.Series(~found), None)
    return values.select(pl.all().gather(index)).get_columns()
