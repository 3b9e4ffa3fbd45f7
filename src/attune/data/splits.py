"""Train on time, test on the future: which dates teach and which test, and who chooses the epoch."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.data.times import utc
from attune.errors import DataError

WEEK = timedelta(days=7)
# A Sunday, 00:00 UTC: as-of dates lie whole weeks from it.
GRID_ORIGIN = pd.Timestamp("2017-01-01", tz="UTC").as_unit("us")


@dataclass(frozen=True)
class AsOfDates:
    """As-of dates of the examples, ascending; no training label reaches past the first test date."""

    train: tuple[pd.Timestamp, ...]
    test: tuple[pd.Timestamp, ...]


def on_grid(moment: datetime) -> pd.Timestamp:
    """The latest as-of date of the weekly grid (a Sunday, 00:00 UTC) that is not after a moment."""
    weeks = (utc(moment) - GRID_ORIGIN) // WEEK
    return GRID_ORIGIN + weeks * WEEK


def weekly_grid(first: date, last: datetime) -> tuple[pd.Timestamp, ...]:
    """All as-of dates of the grid from a day to a moment, both included, ascending."""
    start = _at_or_after(first)
    return _backwards(on_grid(last), WEEK, start, None)


def as_of_dates(
    now: datetime,
    *,
    first: date,
    label_days: int,
    test: int = 1,
    test_every_days: int = 7,
    train_every_days: int = 7,
    train_last: int | None = None,
) -> AsOfDates:
    """Choose as-of dates so that every label is complete and none of training reaches into the test.

    Args:
        now: Until when the data is known; test labels end at or before it.
        first: No training date is earlier.
        label_days: How long after its date a label looks.
        test: How many test dates, the latest possible.
        test_every_days: Distance of the test dates, a multiple of 7.
        train_every_days: Distance of the training dates, a multiple of 7.
        train_last: Only so many of the latest training dates; None takes all.

    Raises:
        DataError: The data is too short for a single training date.
    """
    label = timedelta(days=label_days)
    latest = on_grid(utc(now) - label)
    tests = tuple(reversed([latest - i * timedelta(days=test_every_days) for i in range(test)]))
    start = _at_or_after(first)
    trains = _backwards(on_grid(tests[0] - label), timedelta(days=train_every_days), start, train_last)
    if not trains:
        raise DataError(
            f"no training date between {first} and {tests[0] - label:%Y-%m-%d}: {test} test dates and labels "
            f"of {label_days} days need data for longer than until {utc(now):%Y-%m-%d}; import more data, or "
            "choose fewer test dates or an earlier first date"
        )
    return AsOfDates(train=trains, test=tests)


def chosen_share(ids: Iterable[str], share: float, salt: str) -> npt.NDArray[np.bool_]:
    """Choose a share of the customers by a hash of their id: the same ones today and tomorrow.

    Args:
        ids: Of N rows.
        share: Within [0, 1], of the customers.
        salt: Another word chooses other customers.

    Returns:
        Whether each row's customer is chosen, shape [N].
    """
    codes, uniques = pd.factorize(pd.Series(list(ids), dtype=object))
    chosen = np.fromiter((_uniform(salt, str(name)) < share for name in uniques), bool, len(uniques))
    return chosen[codes]


def _uniform(salt: str, name: str) -> float:
    digest = hashlib.sha256(f"{salt}\x00{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _at_or_after(day: date) -> pd.Timestamp:
    moment = pd.Timestamp(day.isoformat(), tz="UTC")
    sunday = on_grid(moment)
    return sunday if sunday == moment else sunday + WEEK


def _backwards(
    last: pd.Timestamp, step: timedelta, first: pd.Timestamp, most: int | None
) -> tuple[pd.Timestamp, ...]:
    dates: list[pd.Timestamp] = []
    while last >= first and (most is None or len(dates) < most):
        dates.append(last)
        last -= step
    return tuple(reversed(dates))
