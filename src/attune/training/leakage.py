"""Prove that examples know nothing of the future.

The store is not believed: every value it returned is looked up again in the snapshots themselves, among
those that existed at the row's time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from attune.columns import (
    CREATED_TIMESTAMP,
    EVENT_TIMESTAMP,
    HISTORY_TIMES,
    MESSAGE_TIMES,
    RECENCY_DAYS,
)
from attune.config import Settings
from attune.errors import DataError, FeatureError
from attune.features.schema import VIEWS, features_of, key_of, views_of
from attune.features.snapshots import as_of_date, snapshots

SNAPSHOT_TIME = "snapshot_time"
DIFFERS = "differs"


class ViewAges(Settings):
    """How old the features of one view were at the rows' times, in days; None where no row had any."""

    youngest_days: float | None
    oldest_days: float | None


class LeakageAudit(Settings):
    """What the audit looked at and found.

    Attributes:
        checked_rows: Rows whose every feature was looked up again.
        ages: View -> age of the features used; never negative.
        violations: Rows that knew more than they could; examples with any are refused.
    """

    checked_rows: int
    ages: dict[str, ViewAges]
    violations: int = 0


def audit_features(examples: pl.DataFrame, features: Path, service: str) -> LeakageAudit:
    """Look up every feature of every row among the snapshots that existed at the row's time.

    Args:
        examples: Key, event_timestamp and the service's features.
        features: Folder of the snapshots.
        service: The service that gave the features.

    Raises:
        DataError: A row has a value that was not known at its time, or a column that no view declares.
        FeatureError: There is no snapshot for a row's time.
    """
    _require_declared(examples, service)
    ages = {view: _audit_view(examples, features, view, names) for view, names in views_of(service).items()}
    late = _rows_with_late_events(examples)
    if late:
        raise DataError(
            f"{late:,} examples of {service!r} hold events from their as-of date or later; "
            "the snapshots are wrong: delete them and run the features pipeline again"
        )
    return LeakageAudit(checked_rows=len(examples), ages=ages)


def audit_windows(
    train: Sequence[datetime], test: Sequence[datetime], label: timedelta, now: datetime
) -> None:
    """Check that no training label looks past the first test date and no test label past now.

    Raises:
        DataError: One does.
    """
    if max(train) + label > min(test):
        raise DataError(
            f"training labels look until {max(train) + label:%Y-%m-%d}, past the first test date "
            f"{min(test):%Y-%m-%d}; leave a gap of {label.days} days"
        )
    if max(test) + label > now:
        raise DataError(
            f"test labels look until {max(test) + label:%Y-%m-%d}, past {now:%Y-%m-%d}; "
            "choose earlier test dates"
        )


def _require_declared(examples: pl.DataFrame, service: str) -> None:
    """A column that no view declares cannot be looked up: it may hold the very future."""
    declared = {key_of(service), EVENT_TIMESTAMP, *features_of(service)}
    strange = [name for name in examples.columns if name not in declared]
    if strange:
        raise DataError(
            f"examples of {service!r} hold columns that the service does not have: {', '.join(strange)}; "
            "declare them in a feature view, so that they can be audited, or drop them"
        )


def _audit_view(examples: pl.DataFrame, features: Path, view: str, names: Sequence[str]) -> ViewAges:
    parts = [
        _look_up(rows, features, view, names)
        for _, rows in examples.group_by(EVENT_TIMESTAMP, maintain_order=True)
    ]
    found = pl.concat(parts)
    differing = found.filter(pl.col(DIFFERS))
    if not differing.is_empty():
        raise DataError(
            f"{len(differing):,} examples hold values of {view!r} that no snapshot of their time has, the "
            f"first as of {differing[EVENT_TIMESTAMP][0]:%Y-%m-%d}; the offline store cannot be trusted"
        )
    days = (found[EVENT_TIMESTAMP] - found[SNAPSHOT_TIME]).dt.total_seconds() / timedelta(
        days=1
    ).total_seconds()
    return ViewAges(youngest_days=_number(days.min()), oldest_days=_number(days.max()))


def _look_up(rows: pl.DataFrame, features: Path, view: str, names: Sequence[str]) -> pl.DataFrame:
    """For rows of one date: the time of the snapshot that was the latest, and whether a value differs."""
    as_of, key = rows[EVENT_TIMESTAMP][0], VIEWS[view].key
    oldest = as_of - VIEWS[view].ttl
    alive = [file for file in snapshots(features, view) if oldest <= as_of_date(file) <= as_of]
    if not alive or as_of_date(alive[-1]) == oldest:
        raise FeatureError(
            f"no snapshot of {view!r} as of {as_of:%Y-%m-%d}; run the features pipeline for these dates first"
        )
    columns = [key, EVENT_TIMESTAMP, CREATED_TIMESTAMP, *names]
    latest = (
        pl.scan_parquet(alive)
        .select(columns)
        .filter(pl.col(EVENT_TIMESTAMP) <= as_of, pl.col(CREATED_TIMESTAMP) <= as_of)
        .sort(EVENT_TIMESTAMP, CREATED_TIMESTAMP)
        .unique(key, keep="last")
        .rename({EVENT_TIMESTAMP: SNAPSHOT_TIME})
        .collect()
    )
    joined = rows.select(key, EVENT_TIMESTAMP, *names).join(latest, on=key, how="left", suffix="_known")
    differs = [pl.col(name).ne_missing(pl.col(f"{name}_known")) for name in names]
    return joined.select(EVENT_TIMESTAMP, SNAPSHOT_TIME, pl.any_horizontal(differs).alias(DIFFERS))


def _rows_with_late_events(examples: pl.DataFrame) -> int:
    """Rows whose features show an event at their own time or later."""
    checks = [pl.lit(value=False)]
    if RECENCY_DAYS in examples.columns:
        checks.append(pl.col(RECENCY_DAYS) <= 0)
    checks += [
        pl.col(name).list.max() >= pl.col(EVENT_TIMESTAMP).dt.epoch("s")
        for name in (HISTORY_TIMES, MESSAGE_TIMES)
        if name in examples.columns
    ]
    return len(examples.filter(pl.any_horizontal(checks)))


def _number(value: object) -> float | None:
    return value if isinstance(value, float) else None
