"""What training would be told of customers as of a moment: from the snapshots, or computed again."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import polars as pl
import pyarrow as pa

from attune.columns import EVENT_TIMESTAMP
from attune.features.inputs import FeatureInputs
from attune.features.schema import SERVICES, VIEWS
from attune.features.session import open_session
from attune.features.settings import FeatureSettings
from attune.features.snapshot_values import Values, by_customer
from attune.features.snapshots import TIME, snapshot_at, snapshots


class HistoricalJoin(Protocol):
    """The join that training reads."""

    def historical(self, service: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The features of a service as they were known at each row's time."""


class OfflineValues:
    """The offline side of one workspace."""

    def __init__(self, join: HistoricalJoin, tables: Path, folder: Path, settings: FeatureSettings) -> None:
        """Take where things are.

        Args:
            join: Answers for moments of which there is a snapshot.
            tables: From these and the log beside them the others are computed.
            folder: Of the snapshots.
            settings: The ones that the build uses.
        """
        self._join = join
        self._tables = tables
        self._snapshots = folder
        self._settings = settings

    def covers(self, view: str) -> bool:
        """Whether there is any snapshot of a view."""
        return bool(snapshots(self._snapshots, view))

    def at(self, view: str, asked: Mapping[datetime, Sequence[str]]) -> dict[datetime, Values]:
        """The values of a view.

        Args:
            view: A feature view about customers.
            asked: Moment -> the customers to look at.

        Raises:
            FeatureError: A snapshot cannot be read, or the engine fails.
        """
        kept = {moment for moment in asked if snapshot_at(self._snapshots, view, moment)}
        found = {moment: self._joined(view, moment, asked[moment]) for moment in kept}
        others = {moment: customers for moment, customers in asked.items() if moment not in kept}
        return found | (self._computed(view, others) if others else {})

    def _joined(self, view: str, moment: datetime, customers: Sequence[str]) -> Values:
        # A service that serves the whole view.
        names = VIEWS[view].feature_names
        service = next(name for name, served in SERVICES.items() if served.get(view) == names)
        rows = pl.DataFrame({VIEWS[view].key: list(customers)}, schema={VIEWS[view].key: pl.String()})
        joined = self._join.historical(
            service, rows.with_columns(pl.lit(moment, TIME).alias(EVENT_TIMESTAMP))
        )
        return by_customer(VIEWS[view], joined, customers)

    def _computed(self, view: str, asked: Mapping[datetime, Sequence[str]]) -> dict[datetime, Values]:
        inputs = FeatureInputs(self._tables)
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_session(inputs, self._settings, Path(scratch), {view: list(asked)}) as session,
        ):
            return {
                moment: by_customer(VIEWS[view], _table(*session.rows(view, moment)), customers)
                for moment, customers in asked.items()
            }


def _table(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(pa.Table.from_batches(list(batches), schema)))
