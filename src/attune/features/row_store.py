"""Where packed rows are kept for online reads, and the one rule by which a row replaces another."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

import polars as pl

from attune.columns import CREATED_TIMESTAMP, EVENT_TIMESTAMP
from attune.features.packing import Layout, times_of

# A clock may be a little wrong; an event from further ahead would block every true one until then.
FUTURE = timedelta(minutes=5)
# Redis compares each key that a transaction watches with all it watches already: the square counts.
CHUNK = 500


@dataclass(frozen=True)
class WriteReport:
    """What became of the rows that were offered.

    Attributes:
        written: Are online now.
        older: Were not newer than what was known already.
        duplicate: Were known already.
        future: Say that they are from the future, and were refused.
    """

    written: int = 0
    older: int = 0
    duplicate: int = 0
    future: int = 0

    def __add__(self, other: "WriteReport") -> "WriteReport":
        return WriteReport(
            self.written + other.written,
            self.older + other.older,
            self.duplicate + other.duplicate,
            self.future + other.future,
        )


class RowStore(Protocol):
    """One packed row a view and entity, in generations of which readers see the published one."""

    def get_many(self, views: Sequence[str], entities: Sequence[str]) -> list[list[bytes | None]]:
        """The rows of each view, one an entity in the order asked, None where there is none.

        Raises:
            FeatureError: Nothing was ever published, or the store does not answer in time.
        """

    def put_many(self, view: str, rows: Mapping[str, bytes]) -> WriteReport:
        """Write a row an entity by the rule of `newest`, all or none, as if nobody else were writing."""

    def delete(self, views: Sequence[str], entity: str) -> int:
        """Remove an entity's rows of these views, unpublished ones too; how many there were."""

    def wipe(self) -> None:
        """Remove all rows and notes of this generation."""

    def notes(self) -> dict[str, str]:
        """What was noted about this generation; it lives and dies with the rows."""

    def note(self, name: str, text: str) -> None:
        """Note something about this generation, after the rows that were put before."""

    def published(self) -> bool:
        """Whether readers see anything."""

    def draft(self) -> "RowStore":
        """The next generation, which readers do not see; it may hold what a killed run left."""

    def publish(self) -> None:
        """Let readers see the draft from now on, in place of this generation, which is removed."""


def newest(
    found: Sequence[bytes | None], offered: Mapping[str, bytes]
) -> tuple[dict[str, bytes], WriteReport]:
    """Which of the offered rows replace what is there.

    The later event wins, then the later creation. Of two rows with the same times the last one offered wins,
    as in the offline store: a snapshot that was computed again. A row of another layout cannot be read any
    more and counts as none.

    Args:
        found: What is there, in the order of `offered`; None where nothing is.
        offered: Entity -> packed row.
    """
    if not any(found):
        return dict(offered), WriteReport(written=len(offered))
    accepted: dict[str, bytes] = {}
    older = duplicate = 0
    for (entity, row), old in zip(offered.items(), found, strict=True):
        if old is None or old[:8] != row[:8]:
            accepted[entity] = row
        elif old == row:
            duplicate += 1
        elif times_of(old) > times_of(row):
            older += 1
        else:
            accepted[entity] = row
    return accepted, WriteReport(written=len(accepted), older=older, duplicate=duplicate)


def write_frame(store: RowStore, layout: Layout, key: str, rows: pl.DataFrame, now: datetime) -> WriteReport:
    """Write the rows of a feature view online, as far as they are news.

    Args:
        store: Where to.
        layout: The view's.
        key: The column that names the entity.
        rows: Key, event_timestamp, created_timestamp and the view's features; any number of rows an entity.
        now: The present time; what is later by more than `FUTURE` is refused.

    Raises:
        FeatureError: The rows do not fit the layout, or the store cannot be written.
    """
    believable = rows.filter(pl.col(EVENT_TIMESTAMP) <= now + FUTURE)
    last, report = _latest(believable, key)
    report += WriteReport(future=rows.height - believable.height)
    offered = zip(last[key].to_list(), layout.pack(last), strict=True)
    for chunk in _chunks(offered):
        report += store.put_many(layout.view, chunk)
    return report


def _chunks(rows: Iterator[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    while chunk := dict(islice(rows, CHUNK)):
        yield chunk


def _latest(rows: pl.DataFrame, key: str) -> tuple[pl.DataFrame, WriteReport]:
    """The last row of each entity by event, creation and order, and how many of the others were what."""
    times = [name for name in (EVENT_TIMESTAMP, CREATED_TIMESTAMP) if name in rows.columns]
    entities = rows[key].n_unique()
    if entities == rows.height:
        return rows, WriteReport()
    versions = rows.select(key, *times).n_unique()
    last = rows.sort(times, maintain_order=True).unique(key, keep="last", maintain_order=True)
    return last, WriteReport(older=versions - entities, duplicate=rows.height - versions)
