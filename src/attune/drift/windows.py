"""The two windows of a comparison: what a version learnt on, and the same kind of rows as of now."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from attune.columns import CUSTOMER_ID, RECENCY_DAYS, SENT_AT
from attune.drift.monitor import Monitor
from attune.drift.profile import Profile, profile
from attune.drift.reference import ReferenceProfile
from attune.drift.watch import Side
from attune.errors import FeatureError
from attune.features.schema import CUSTOMER_ACTIVITY, views_of
from attune.features.snapshots import as_of_date, snapshots


@dataclass(frozen=True)
class Rows:
    """The rows of one window, and the first and last as-of date of their features."""

    frame: pd.DataFrame
    first: datetime
    last: datetime


def reference_side(version: Path, first: datetime, last: datetime) -> Side[ReferenceProfile]:
    """What a version keeps of its training examples.

    Args:
        version: The folder of the version.
        first: The first as-of date of its training examples.
        last: The last one.

    Raises:
        DataError: The version keeps nothing of them.
    """
    return Side(ReferenceProfile.load(version), first, last)


def current_side(rows: Rows, reference: ReferenceProfile) -> Side[Profile]:
    """Rows, counted on the grids of a reference."""
    return Side(profile(rows.frame, reference.grids), rows.first, rows.last)


def current_rows(
    features: Path,
    monitor: Monitor,
    now: datetime,
    customers: Set[str],
    messages: pd.DataFrame | None = None,
) -> Rows:
    """The newest rows of the kind that the model learnt on.

    Args:
        features: The folder of feature snapshots.
        monitor: Which service, and which customers of it.
        now: Nothing later counts.
        customers: Those who agreed to the purpose of the model; nobody else is read.
        messages: Where the model learnt of messages: the contract table of those that were sent.

    Raises:
        FeatureError: There is no snapshot so early.
    """
    if monitor.sent_days is not None and messages is not None:
        return _recipients(features, monitor, monitor.sent_days, now, messages, customers)
    newest = _snapshot(features, CUSTOMER_ACTIVITY.name, now)
    as_of = as_of_date(newest)
    seen = _seen_within(newest, monitor.active_days)
    if monitor.next_days is not None:
        seen = _seen_within(newest, monitor.next_days)
        as_of = as_of_date(_snapshot(features, newest.parent.name, as_of - timedelta(days=monitor.next_days)))
    return Rows(_features_of(features, monitor, as_of, sorted(seen & customers)), as_of, as_of)


def _recipients(
    features: Path,
    monitor: Monitor,
    days: int,
    now: datetime,
    messages: pd.DataFrame,
    customers: Set[str],
) -> Rows:
    """Those who were sent messages in the last weeks, one row a message, as of the date before it was sent.

    A message goes to chosen customers: beside all active ones they would always look as if they had drifted.
    """
    newest = as_of_date(_snapshot(features, CUSTOMER_ACTIVITY.name, now - timedelta(days=days)))
    dates = [newest - number * timedelta(days=days) for number in reversed(range(monitor.sent_windows))]
    parts, sent_at = [], messages[SENT_AT]
    allowed = messages[CUSTOMER_ID].isin(list(customers))
    for date in dates:
        sent = allowed & (sent_at >= date) & (sent_at < date + timedelta(days=days))
        chosen = messages.loc[sent, CUSTOMER_ID].astype(str).tolist()
        if chosen:
            parts.append(_features_of(features, monitor, date, chosen))
    frame = pd.concat(parts, ignore_index=True) if parts else _features_of(features, monitor, newest, [])
    return Rows(frame, dates[0], newest)


def _features_of(features: Path, monitor: Monitor, as_of: datetime, chosen: list[str]) -> pd.DataFrame:
    """The watched features of customers as of a date, in their order, without their names."""
    parts = [
        pd.read_parquet(_snapshot(features, view, as_of)).set_index(CUSTOMER_ID)
        for view in views_of(monitor.feature_service)
    ]
    names = [feature.name for feature in monitor.watched()]
    joined = pd.concat([part.reindex(chosen) for part in parts], axis=1)
    return joined[[name for name in names if name in joined]].reset_index(drop=True)


def _seen_within(activity: Path, days: int) -> frozenset[str]:
    """Who bought within so many days before a snapshot."""
    rows = pd.read_parquet(activity, columns=[CUSTOMER_ID, RECENCY_DAYS])
    return frozenset(rows.loc[rows[RECENCY_DAYS] <= days, CUSTOMER_ID])


def _snapshot(features: Path, view: str, now: datetime) -> Path:
    """The newest snapshot of a view that is not later than a date."""
    files = [file for file in snapshots(features, view) if as_of_date(file) <= now]
    if not files:
        raise FeatureError(
            f"no snapshot of {view} as of {now:%Y-%m-%d} or earlier in {features}; build the features first"
        )
    return files[-1]
