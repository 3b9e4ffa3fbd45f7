"""Bring snapshots online: only the files that are new or changed, a row group at a time, again after a kill.

A row is written by the rule of the row store, so writing it twice changes nothing. What was done is noted in
the store itself, after the rows: a run that is killed leaves at most one row group to be written again.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.errors import FeatureError
from attune.features.packing import Layout
from attune.features.row_store import RowStore, WriteReport, write_frame
from attune.features.schema import View
from attune.features.snapshots import as_of_date, fingerprint_of, snapshots
from attune.progress import say

AS_OF = "as_of"
SAID_EVERY = 2.0


@dataclass
class MaterializeReport:
    """What a materialisation did.

    Attributes:
        rows: What became of the rows that were read.
        files: How many snapshots were read, in whole or in part.
        kept: How many were online already.
        seconds: How long it took.
    """

    rows: WriteReport = field(default_factory=WriteReport)
    files: int = 0
    kept: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        rows = self.rows
        seen = rows.written + rows.older + rows.duplicate + rows.future
        return (
            f"{rows.written:,} rows written, {rows.older:,} older, {rows.duplicate:,} known already, "
            f"{rows.future:,} from the future refused; {seen / max(self.seconds, 1e-9):,.0f} rows/s; "
            f"{self.files} snapshots read, {self.kept} were online"
        )


def online_as_of(store: RowStore) -> datetime | None:
    """The date up to which snapshots were brought online last; None where none were."""
    text = store.notes().get(AS_OF)
    return datetime.fromisoformat(text) if text else None


def materialize(
    store: RowStore, folder: Path, views: Sequence[View], as_of: datetime, rebuild: bool
) -> MaterializeReport:
    """Bring the latest rows of views as of a date online.

    The first time, and with `rebuild`, the rows grow beside what is online and take its place at once; a
    later date adds what is new. Rows that were pushed stay, unless there is a rebuild.

    Args:
        store: The online store.
        folder: Where the snapshots are, one folder a view.
        views: What to bring online.
        as_of: Nothing that happened or was recorded later is brought online.
        rebuild: Start from nothing, which also leads back to an earlier date.

    Raises:
        FeatureError: A view has no snapshots or none that fits its layout, what is online is later, or the
            store cannot be written; what was online before still is.
    """
    started = time.perf_counter()
    report = MaterializeReport()
    before = online_as_of(store)
    if before is not None and before > as_of and not rebuild:
        raise FeatureError(
            f"features are online as of {before:%Y-%m-%d}, later than {as_of:%Y-%m-%d}; "
            "ask for a rebuild to go back in time"
        )
    target = store.draft() if rebuild or not store.published() else store
    if target is not store and target.notes().get(AS_OF) != as_of.isoformat():
        target.wipe()  # what a killed run for another date left
    target.note(AS_OF, as_of.isoformat())
    for view in views:
        _bring(target, folder, view, as_of, report)
    if target is not store:
        target.publish()
    report.seconds = time.perf_counter() - started
    return report


def _bring(store: RowStore, folder: Path, view: View, as_of: datetime, report: MaterializeReport) -> None:
    layout = Layout.of(view)
    files = [file for file in snapshots(folder, view.name) if as_of - view.ttl <= as_of_date(file) <= as_of]
    notes = store.notes()
    for file in files:
        note = f"{view.name}/{file.name}"
        whole = f"{_identity(file)} {layout.digest:016x}"
        part = f"{whole} until {as_of.isoformat()} "
        done = notes.get(note, "")
        if done in (whole, part):
            report.kept += 1
            continue
        report.files += 1
        first = int(done.removeprefix(part)) if done.startswith(part) else 0
        held_back = first > 0  # of the groups before, nothing is known
        for group, rows in _row_groups(file, view, layout, first):
            known = rows.filter(pl.max_horizontal(EVENT_TIMESTAMP, CREATED_TIMESTAMP) <= as_of)
            held_back |= known.height < rows.height
            report.rows += _written(store, layout, view, known, file)
            store.note(note, f"{part}{group + 1}")
        # A file with rows that were recorded after the date is read again for a later one.
        store.note(note, part if held_back else whole)


def _written(store: RowStore, layout: Layout, view: View, rows: pl.DataFrame, file: Path) -> WriteReport:
    started = time.perf_counter()
    written = write_frame(store, layout, view.key, rows, datetime.now(UTC))
    seconds = time.perf_counter() - started
    if seconds > SAID_EVERY:
        say(f"online: {view.name} {file.stem}, {rows.height:,} rows, {rows.height / seconds:,.0f} rows/s")
    return written


def _row_groups(file: Path, view: View, layout: Layout, first: int) -> Iterator[tuple[int, pl.DataFrame]]:
    """The row groups of a snapshot from one on, with what is brought online of each row."""
    with pq.ParquetFile(file) as parquet:
        columns = [view.key, EVENT_TIMESTAMP, CREATED_TIMESTAMP, *layout.names]
        missing = [name for name in columns if name not in parquet.schema_arrow.names]
        if missing:
            raise FeatureError(f"snapshot {file} lacks {', '.join(missing)}; build the features again")
        for group in range(first, parquet.num_row_groups):
            rows = pl.DataFrame(pl.from_arrow(parquet.read_row_group(group, columns=columns)))
            yield group, rows


def _identity(file: Path) -> str:
    """Another one when the file's rows are: what it was made from, or else its size and time."""
    found = file.stat()
    return fingerprint_of(file) or f"{found.st_size}-{found.st_mtime_ns}"
