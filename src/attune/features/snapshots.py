"""Feature rows on disk: one Parquet file a view and as-of date, which knows what it was made from."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.errors import FeatureError

DATE_FORMAT = "%Y-%m-%d"
FINGERPRINT = "attune.fingerprint"
TIME = pl.Datetime("us", "UTC")


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

    The rows count as created at their as-of date: they hold nothing that was not known then, and a
    second run writes the same bytes.
    """
    time = pl.lit(as_of).cast(TIME)
    stamped = rows.with_columns(time.alias(EVENT_TIMESTAMP), time.alias(CREATED_TIMESTAMP))
    file.parent.mkdir(parents=True, exist_ok=True)
    # The name hides the unfinished file from every reader of the folder, and the next run reuses it.
    unfinished = file.with_name(f".{file.name}.unfinished")
    stamped.write_parquet(unfinished, metadata={FINGERPRINT: fingerprint})
    unfinished.replace(file)
