"""Feature rows on disk: one Parquet file a view and as-of date, which knows what it was made from."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.errors import FeatureError

DATE_FORMAT = "%Y-%m-%d"
FINGERPRINT = "attune.fingerprint"
TIME = pl.Datetime("us", "UTC")
ARROW_TIME = pa.timestamp("us", "UTC")
UNFINISHED = ".unfinished"
ROW_GROUP = 65_536


def snapshot_file(folder: Path, view: str, as_of: datetime) -> Path:
    """Where the rows of a view as of a date are: `<folder>/<view>/2017-06-04.parquet`.

    Raises:
        FeatureError: The time is not midnight UTC.
    """
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    if as_of.tzinfo is None or as_of.utcoffset() or as_of != midnight:
        raise FeatureError(
            f"features are asked as of {as_of.isoformat()}, but snapshots are of midnight UTC; "
            "ask for a day of the weekly grid"
        )
    return folder / view / f"{as_of:{DATE_FORMAT}}.parquet"


def snapshot_at(folder: Path, view: str, moment: datetime) -> Path | None:
    """The snapshot of a view as of a moment; None where there is none, as at any moment but midnight UTC."""
    if moment != moment.replace(hour=0, minute=0, second=0, microsecond=0):
        return None
    file = snapshot_file(folder, view, moment)
    return file if file.exists() else None


def as_of_date(file: Path) -> datetime:
    """The date of a snapshot, from its name."""
    return datetime.strptime(file.stem, DATE_FORMAT).replace(tzinfo=UTC)


def snapshots(folder: Path, view: str) -> list[Path]:
    """All snapshots of a view, oldest first."""
    return sorted((folder / view).glob("*.parquet"))


def fingerprint_of(file: Path) -> str | None:
    """What a snapshot was made from, or None where there is no such file."""
    if not file.exists():
        return None
    return pl.read_parquet_metadata(file).get(FINGERPRINT)


def write_snapshot(rows: pl.DataFrame, file: Path, as_of: datetime, fingerprint: str) -> None:
    """Write the rows of a view as of a date, whole or not at all.

    Raises:
        FeatureError: The disk is full or refuses.
    """
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    write_batches(table.schema, table.to_batches(), file, as_of, fingerprint)


def write_batches(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], file: Path, as_of: datetime, fingerprint: str
) -> int:
    """Write a stream of rows of a view as of a date, whole or not at all.

    The rows count as created at their as-of date: they hold nothing that was not known then, and a
    second run writes the same bytes.

    Args:
        schema: Of the batches.
        batches: Of any size; at most ROW_GROUP rows are in memory.
        file: Where to.
        as_of: In UTC.
        fingerprint: What the rows were made from.

    Returns:
        How many rows there were.

    Raises:
        FeatureError: The disk is full or refuses.
    """
    # The name hides the unfinished file from every reader of the folder, and the next run sweeps it.
    unfinished = file.with_name(f".{file.name}{UNFINISHED}")
    stamped = schema.append(pa.field(EVENT_TIMESTAMP, ARROW_TIME)).append(
        pa.field(CREATED_TIMESTAMP, ARROW_TIME)
    )
    rows = 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(
            unfinished, stamped.with_metadata({FINGERPRINT: fingerprint}), compression="zstd"
        ) as sink:
            for group in _row_groups(schema, batches):
                times = pa.array([as_of] * len(group), ARROW_TIME)
                sink.write_table(pa.table([*group.columns, times, times], stamped), row_group_size=ROW_GROUP)
                rows += len(group)
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise FeatureError(
            f"cannot write {file}: {error.strerror or error}; free space and start again: "
            "what was there before is unchanged, and finished snapshots are kept"
        ) from error
    return rows


def sweep_unfinished(folder: Path) -> None:
    """Remove what builds that were killed left behind; the caller holds the folder's lock."""
    for unfinished in folder.glob(f"*/.*{UNFINISHED}"):
        unfinished.unlink()


def _row_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    # Of equal size whatever the batches are: the same rows make the same bytes.
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        rest = batch
        while count + rest.num_rows >= ROW_GROUP:
            yield pa.Table.from_batches([*waiting, rest.slice(0, ROW_GROUP - count)], schema)
            rest, waiting, count = rest.slice(ROW_GROUP - count), [], 0
        waiting.append(rest)
        count += rest.num_rows
    if count:
        yield pa.Table.from_batches(waiting, schema)
