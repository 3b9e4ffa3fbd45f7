"""What training is told of customers at the moments of which there is a snapshot; no engine is loaded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from attune.columns import EVENT_TIMESTAMP
from attune.features.asof import join_as_of
from attune.features.asof_source import AsOfView
from attune.features.schema import VIEWS, View
from attune.features.snapshots import TIME, snapshot_at, snapshots

# Customer -> feature -> value; a customer of whom nothing was known is not in it.
Values = dict[str, dict[str, Any]]


class SnapshotValues:
    """The snapshots of one workspace, read through the join that training reads them through."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet.

        Args:
            folder: Of the snapshots.
        """
        self._folder = folder

    def covers(self, view: str) -> bool:
        """Whether there is any snapshot of a view."""
        return bool(snapshots(self._folder, view))

    def at(self, view: str, asked: Mapping[datetime, Sequence[str]]) -> dict[datetime, Values]:
        """The values of a view at those of the moments of which there is a snapshot.

        Args:
            view: A feature view about customers.
            asked: Moment -> the customers to look at.

        Raises:
            FeatureError: A snapshot cannot be read.
        """
        return {
            moment: _joined(VIEWS[view], file, moment, customers)
            for moment, customers in asked.items()
            if (file := snapshot_at(self._folder, view, moment))
        }

    def written(self, view: str, moment: datetime) -> datetime | None:
        """When the snapshot of a moment was written last; None where there is none."""
        file = snapshot_at(self._folder, view, moment)
        return datetime.fromtimestamp(file.stat().st_mtime, UTC) if file else None


def by_customer(view: View, rows: pl.DataFrame, customers: Sequence[str]) -> Values:
    """Rows of a view by customer; one in whom nothing is known is left out, for the join keeps it."""
    wanted = rows.filter(pl.col(view.key).is_in(list(customers))).select(view.key, *view.feature_names)
    found = {row.pop(view.key): row for row in wanted.to_dicts()}
    return {
        customer: values
        for customer, values in found.items()
        if any(value is not None for value in values.values())
    }


def _joined(view: View, file: Path, moment: datetime, customers: Sequence[str]) -> Values:
    asked = pl.DataFrame({view.key: list(customers)}, schema={view.key: pl.String()})
    source = AsOfView(
        name=view.name,
        files=(file,),
        keys={view.key: view.key},
        features={name: name for name in view.feature_names},
        ttl=view.ttl,
    )
    rows = join_as_of(asked.with_columns(pl.lit(moment, TIME).alias(EVENT_TIMESTAMP)), [source])
    return by_customer(view, rows, customers)
