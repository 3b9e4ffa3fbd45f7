"""Push: an interaction enters the log first, then the online features of whom it is about.

The log is what counts: the next build of features reads it. Online rows are computed from the tables and the
log by the very definitions of the build, so a push that is repeated, late or cut short between the two ends
with the same rows as one that was not.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import polars as pl

from attune.columns import CREATED_TIMESTAMP, CUSTOMER_ID, EVENT_TIMESTAMP, INTERACTION_ID
from attune.data.arrival_checks import ArrivalChecks
from attune.data.interaction_log import NAMES, SCHEMA, InteractionLog, Key
from attune.data.tables import data_version, read_table
from attune.features.inputs import FeatureInputs
from attune.features.live import LiveViews, live_views
from attune.features.packing import Layout, times_of
from attune.features.read_plan import EPOCH
from attune.features.row_store import FUTURE, RowStore, WriteReport, write_frame
from attune.features.schema import VIEWS, View
from attune.features.settings import FeatureSettings

CONTENT = [name for name in NAMES if name != CREATED_TIMESTAMP]
KNOWN_FROM = "known_from"
CUSTOMER: Key = "customer_id"
NOTHING = WriteReport()
# Clocks differ by milliseconds: what is about to happen is waited for, so that the next read shows it.
PATIENCE = timedelta(seconds=1)


@dataclass(frozen=True)
class PushReport:
    """What became of the interactions that were pushed.

    Attributes:
        accepted: Are in the log now.
        duplicate: Were known already and changed nothing.
        future: Say that they happen more than five minutes from now, and were refused.
        refused: Place among the rows that were pushed -> why it breaks the contract.
        ahead: Of the accepted, those that happen in more than a second: they count once they have.
        online: What became of the online rows.
        seconds: From the first check to the last online row.
    """

    accepted: int = 0
    duplicate: int = 0
    future: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    ahead: int = 0
    online: WriteReport = field(default_factory=WriteReport)
    seconds: float = 0.0

    def __str__(self) -> str:
        ahead = f" ({self.ahead:,} of them have not happened yet)" if self.ahead else ""
        return (
            f"{self.accepted:,} accepted{ahead}, {self.duplicate:,} known already, "
            f"{self.future:,} refused as from the future, {len(self.refused):,} refused by contract; "
            f"{self.online.written:,} rows online; {self.seconds:.2f} s"
        )


class Pusher:
    """Takes interactions of one workspace, one batch at a time; keep one open for many pushes."""

    def __init__(self, tables: Path, store: RowStore, settings: FeatureSettings) -> None:
        """Nothing is read yet.

        Args:
            tables: The contract tables; the log lies beside.
            store: The online store.
            settings: What is tunable about features; the ones that the build uses.
        """
        self._tables = tables
        self._store = store
        self._log = InteractionLog(tables)
        self._live = LiveViews(settings)
        self._views = live_views(VIEWS.values())
        self._version = ""

    def push(self, rows: pd.DataFrame, now: datetime) -> PushReport:
        """Take interactions: when this returns they are on the disk and online.

        The online rows of everybody in the batch are as of the latest moment in it, or of what is online for
        them already where that is later: an interaction that comes late finds its place and never puts an
        older row in the place of a newer one.

        Args:
            rows: The columns of the contract, customers by pseudonym, numbered from 0.
            now: The present time.

        Raises:
            DataError: There are no tables, columns are not the contract's, or the log cannot be written.
            FeatureError: The online store cannot be written; push the same again, the log has it once.
        """
        started = time.perf_counter()
        with self._log.turn():
            self._look_at_tables()
            future = rows[EVENT_TIMESTAMP] > now + FUTURE
            refused = self._checks.refusals(rows[~future])
            kept = pl.from_pandas(rows[~future & ~rows.index.isin(list(refused))].astype(_PLAIN))
            batch = kept.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())
            known = self._known(CUSTOMER, batch[CUSTOMER].unique().to_list())
            fresh = _news(batch, known)
            self._log.append(fresh)
            online = (
                self._bring_online(batch, pl.concat([known, fresh]), now) if len(batch) else WriteReport()
            )
        return PushReport(
            accepted=len(fresh),
            duplicate=len(batch) - len(fresh),
            future=int(future.sum()) + online.future,
            refused=refused,
            ahead=fresh.filter(_known_from() > now + PATIENCE).height,
            online=online,
            seconds=time.perf_counter() - started,
        )

    def _look_at_tables(self) -> None:
        """Read again whom and what there is, where an import changed it."""
        version = data_version(self._tables)
        if version != self._version:
            items = read_table(self._tables, "items")
            self._checks = ArrivalChecks(read_table(self._tables, "customers", [CUSTOMER_ID]), items)
            self._live.learn_items(pl.from_pandas(items).to_arrow())
            self._files = FeatureInputs(self._tables).interaction_files
            self._version = version

    def _known(self, key: Key, entities: Sequence[str]) -> pl.DataFrame:
        """Every version of every interaction of some customers or items, in the tables and in the log."""
        if not entities:
            return pl.DataFrame(schema=SCHEMA)
        imported = pl.scan_parquet(self._files).filter(pl.col(key).is_in(list(entities)))
        typed = imported.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).collect()
        return pl.concat([typed, self._log.rows(key, entities)])

    def _bring_online(self, batch: pl.DataFrame, known: pl.DataFrame, now: datetime) -> WriteReport:
        ids = batch[INTERACTION_ID].unique().to_list()
        moments = known.filter(pl.col(INTERACTION_ID).is_in(ids)).select(_known_from()).to_series()
        moment = _moment(moments.filter(moments <= now + PATIENCE).max())
        if moment > now:
            time.sleep((moment - now).total_seconds())
            now = moment
        report = WriteReport()
        for key in dict.fromkeys(view.key for view in self._views):
            views = [view for view in self._views if view.key == key]
            entities = batch[key].unique().to_list()
            # What has not happened yet is not known: a row is never as of the future.
            as_of = max(moment, *self._online_times(views, entities))
            rows = known if key == CUSTOMER else self._known(key, entities)
            for view in views:
                found = self._live.rows(view, rows, as_of)
                report += write_frame(self._store, Layout.of(view), key, found, now)
        return report

    def _online_times(self, views: Sequence[View], entities: Sequence[str]) -> list[datetime]:
        """As of when the views of some entities are online; the beginning of time where none is."""
        if not self._store.published():
            return [EPOCH]
        found = self._store.get_many([view.name for view in views], entities)
        times = [times_of(row)[0] for rows in found for row in rows if row is not None]
        return [EPOCH, *(EPOCH + timedelta(microseconds=micros) for micros in times)]


_PLAIN = dict.fromkeys([name for name, kind in SCHEMA.items() if kind == pl.String()], "object")


def _known_from() -> pl.Expr:
    """From when on a row is known: as `purchases.with_versions` has it."""
    happened = pl.col(EVENT_TIMESTAMP) + pl.duration(microseconds=1)
    return pl.max_horizontal(CREATED_TIMESTAMP, happened).alias(KNOWN_FROM)


def _moment(found: object) -> datetime:
    return found if isinstance(found, datetime) else EPOCH


def _news(batch: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The rows that are not known: neither as they are, nor as the latest version of their interaction."""
    same = known.filter(pl.col(INTERACTION_ID).is_in(batch[INTERACTION_ID].unique().to_list()))
    ordered = same.sort(_known_from(), CREATED_TIMESTAMP, maintain_order=True).select(NAMES)
    whole = set(ordered.iter_rows())
    latest = {row[0]: row for row in ordered.select(CONTENT).iter_rows()}
    news = []
    for row, content in zip(batch.select(NAMES).iter_rows(), batch.select(CONTENT).iter_rows(), strict=True):
        news.append(row not in whole and latest.get(content[0]) != content)
        whole.add(row)
        latest[content[0]] = content
    return batch.filter(pl.Series(news, dtype=pl.Boolean()))
