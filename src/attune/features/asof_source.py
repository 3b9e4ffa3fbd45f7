"""The files behind a feature view: keys and times in batches, then the values of the chosen rows."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.config import Settings
from attune.errors import FeatureError
from attune.features.asof_choose import History, Int64s
from attune.features.asof_keys import KeyCodes, comparable

BATCH_ROWS = 1_000_000
POSITION = "attune_position"
EVENT, CREATED = "attune_event", "attune_created"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A row that does not say when it was recorded loses to an equal one that does.
BEFORE_ALL = np.iinfo(np.int64).min
UTC_TIME = pl.Datetime("us", "UTC")


class AsOfView(Settings):
    """A feature view as it lies on disk, and what is asked of it.

    Attributes:
        files: Parquet files; their order, then the order of their rows, settles complete ties.
        keys: Key column of the rows that ask -> key column of the files.
        features: Name of the answer -> column of the files, in the order of the answer.
        ttl: How long a row lives after its event, the last moment included; None is for ever.
        created: When a row was recorded; None where the files do not say.
    """

    name: str
    files: tuple[Path, ...]
    keys: Mapping[str, str]
    features: Mapping[str, str]
    ttl: timedelta | None = None
    event: str = EVENT_TIMESTAMP
    created: str | None = CREATED_TIMESTAMP


class FeatureRows:
    """The rows of one view, read twice: first who and when, then only what was chosen."""

    def __init__(self, view: AsOfView, asked: pl.Schema) -> None:
        """Check that the files can answer; nothing but their schema is read.

        Args:
            view: Where the rows are.
            asked: The columns of the rows that ask, with their types.

        Raises:
            FeatureError: A column is missing, a time has no zone, or keys cannot be compared.
        """
        if not view.files:
            raise FeatureError(f"feature view {view.name!r} has no files; run the features pipeline first")
        self._view = view
        self._scan = pl.scan_parquet(list(view.files), row_index_name=POSITION, extra_columns="ignore")
        self._schema = self._scan.collect_schema()
        self._check_columns()
        self._check_keys(asked)

    def count(self) -> int:
        """How many rows the files hold."""
        return int(self._scan.select(pl.len()).collect().item())

    def batches(self, keys: KeyCodes, last: int, only_known: bool) -> Iterator[History]:
        """Who and when, for the rows that somebody asks about, in the order of the source.

        Args:
            keys: Whom is asked about.
            last: The latest question, in microseconds; later rows are skipped.
            only_known: Whether rows that were recorded after it are skipped as well.
        """
        renamed = [
            pl.col(stored).cast(keys.schema[asked], strict=False).alias(asked)
            for asked, stored in self._view.keys.items()
        ]
        for first in range(0, self.count(), BATCH_ROWS):
            scan = self._scan.slice(first, BATCH_ROWS).filter(*self._visible(last, only_known))
            batch = scan.select(POSITION, *renamed, *self._times()).collect(engine="streaming")
            coded = batch.select(POSITION, EVENT, CREATED).with_columns(keys.encode(batch).alias("code"))
            mine = coded.drop_nulls("code").with_columns(pl.col(CREATED).fill_null(BEFORE_ALL))
            columns = (mine[name].cast(pl.Int64).to_numpy() for name in ("code", POSITION, EVENT, CREATED))
            yield History(*columns)

    def values(self, positions: Int64s) -> pl.DataFrame:
        """The features of some rows, one pass over the files.

        Args:
            positions: N places in the source, rising.

        Returns:
            N rows of the view's features.

        Raises:
            FeatureError: The files changed since they were first read.
        """
        wanted = pl.LazyFrame({POSITION: positions}, schema={POSITION: self._schema[POSITION]})
        columns = [pl.col(stored).alias(name) for name, stored in self._view.features.items()]
        found = (
            self._scan.select(POSITION, *columns)
            .join(wanted, on=POSITION, how="semi", maintain_order="left")
            .collect(engine="streaming")
        )
        if not np.array_equal(found[POSITION].to_numpy(), positions):
            raise FeatureError(f"the files of {self._view.name!r} changed while they were read; ask again")
        return found.drop(POSITION)

    def _visible(self, last: int, only_known: bool) -> list[pl.Expr]:
        times = [self._view.event]
        if only_known and self._view.created:
            times.append(self._view.created)
        end = pl.lit(EPOCH + timedelta(microseconds=last), dtype=UTC_TIME)
        return [self._time(name) <= end for name in times]

    def _time(self, name: str) -> pl.Expr:
        column = pl.col(name)
        return column if self._schema[name] == UTC_TIME else column.cast(UTC_TIME)

    def _times(self) -> list[pl.Expr]:
        created = self._view.created or self._view.event
        named = ((EVENT, self._view.event), (CREATED, created))
        return [self._time(column).to_physical().alias(name) for name, column in named]

    def _check_columns(self) -> None:
        view = self._view
        times = [name for name in (view.event, view.created) if name]
        for name in (*times, *view.keys.values(), *view.features.values()):
            if name not in self._schema:
                raise FeatureError(
                    f"{view.files[0]} has no column {name!r}, which feature view {view.name!r} declares; "
                    "build its features again or correct the declaration"
                )
        for name in times:
            check_time(self._schema[name], f"{view.files[0]}, column {name!r}")

    def _check_keys(self, asked: pl.Schema) -> None:
        for name, stored in self._view.keys.items():
            if name not in asked:
                raise FeatureError(
                    f"the rows have no column {name!r}, the key of feature view {self._view.name!r}; "
                    f"they have: {', '.join(asked)}"
                )
            if not comparable(asked[name], self._schema[stored]):
                raise FeatureError(
                    f"key {name!r} of the rows is {asked[name]}, and of feature view {self._view.name!r} "
                    f"{self._schema[stored]}; bring the rows to {self._schema[stored]}"
                )


def check_time(kind: pl.DataType, where: str) -> None:
    """Refuse a time without a zone: nobody knows when it was.

    Raises:
        FeatureError: It is not a time, or has no zone.
    """
    if not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        raise FeatureError(f"{where}: found {kind}, wanted a time with a zone; convert it to UTC")
