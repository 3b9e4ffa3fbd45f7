"""Online reads of feature services: planned once a service, then one question to the store a read."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attune.errors import FeatureError
from attune.features.online import GRACE, STATUSES, USABLE, FeatureStatus, OnlineColumns, OnlineRow
from attune.features.packing import Layout
from attune.features.row_store import RowStore
from attune.features.schema import VIEWS, View, views_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PRESENT, STALE, EXPIRED, MISSING = (STATUSES.index(status) for status in FeatureStatus)


class ViewPlan:
    """What a service reads of one view."""

    def __init__(self, view: View, names: Sequence[str]) -> None:
        """Find out where the features lie and how long they live."""
        self.name, self.names = view.name, tuple(names)
        self.lifetime = view.ttl // MICROSECOND
        self._layout = Layout.of(view)
        self._reader = self._layout.reader(names)
        self._nobody = dict.fromkeys(names), dict.fromkeys(names, FeatureStatus.MISSING)
        self._all = {status: dict.fromkeys(names, status) for status in FeatureStatus}
        self._latest: tuple[int, Mapping[str, datetime]] = (0, dict.fromkeys(names, EPOCH))

    def fill(
        self,
        packed: bytes | None,
        now: int,
        values: dict[str, Any],
        times: dict[str, datetime | None],
        statuses: dict[str, FeatureStatus],
    ) -> None:
        """Add one row's values, times and statuses, by feature, to those of other views."""
        nothing, missing = self._nobody
        event, found = (0, None) if packed is None else self._reader.one(packed)
        status = FeatureStatus.MISSING if found is None else self._status(event, now)
        if found is None or status is FeatureStatus.MISSING:
            values.update(nothing)
            times.update(nothing)
            statuses.update(missing)
            return
        times.update(self._times(event))
        statuses.update(self._all[status])
        if status not in USABLE:
            values.update(nothing)
            return
        values.update(zip(self.names, found, strict=True))
        if None in found:
            absent = [name for name, value in zip(self.names, found, strict=True) if value is None]
            times.update(dict.fromkeys(absent))
            statuses.update(dict.fromkeys(absent, FeatureStatus.MISSING))

    def _times(self, event: int) -> Mapping[str, datetime]:
        """The time of each feature; most rows of a view are of one snapshot."""
        known, times = self._latest
        if known != event:
            times = dict.fromkeys(self.names, EPOCH + timedelta(microseconds=event))
            self._latest = event, times
        return times

    def columns(
        self, packed: Sequence[bytes | None], now: int
    ) -> tuple[dict[str, Any], dict[str, NDArray[np.int64]], dict[str, NDArray[np.uint8]]]:
        """Values, times and statuses of N rows, a column a feature."""
        absent = np.zeros(len(packed), bool)
        if None in packed:
            absent = np.fromiter((row is None for row in packed), bool, len(packed))
        found = self._reader.many([row or self._layout.blank for row in packed])
        age = now - found.events
        status = np.select(
            [absent | (age < 0), age > self.lifetime * (1 + GRACE), age > self.lifetime],
            [MISSING, EXPIRED, STALE],
            PRESENT,
        ).astype(np.uint8)
        # Features without a null share the arrays of the row.
        statuses = dict.fromkeys(self.names, status)
        times = dict.fromkeys(self.names, np.where(status == MISSING, 0, found.events))
        for name, nulls in found.nulls.items():
            statuses[name] = np.where(nulls & (status != EXPIRED), np.uint8(MISSING), status)
            times[name] = np.where(statuses[name] == MISSING, 0, found.events)
        return dict(found.values), times, statuses

    def _status(self, event: int, now: int) -> FeatureStatus:
        age = now - event
        if age < 0:
            return FeatureStatus.MISSING
        if age <= self.lifetime:
            return FeatureStatus.PRESENT
        return FeatureStatus.STALE if age <= self.lifetime * (1 + GRACE) else FeatureStatus.EXPIRED


class OnlineReader:
    """Answers from one store of packed rows; it may be asked by many threads at once."""

    def __init__(self, store: RowStore) -> None:
        """Plans are made as services are asked for.

        Args:
            store: Where the rows are; its reads have a deadline of their own.
        """
        self._store = store
        self._plans: dict[str, list[ViewPlan]] = {}

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The features of a service for each key, in the order asked; see `OnlineFeatures`.

        Raises:
            FeatureError: The service is unknown or not online, the store does not answer in time or holds
                nothing, or a row is of another layout.
        """
        return self.rows(self._plan(service), keys, now)

    def columns(self, service: str, keys: Sequence[str], now: datetime) -> OnlineColumns:
        """The same for many keys at once, as columns: what ranking reads.

        Raises:
            FeatureError: As for `online`.
        """
        return self.table(self._plan(service), keys, now)

    def rows(self, plans: Sequence[ViewPlan], keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The planned features of each key."""
        if not keys:
            return []
        moment = (now - EPOCH) // MICROSECOND
        found = self._store.get_many([plan.name for plan in plans], keys)
        return [
            _joined(key, plans, [rows[place] for rows in found], moment) for place, key in enumerate(keys)
        ]

    def table(self, plans: Sequence[ViewPlan], keys: Sequence[str], now: datetime) -> OnlineColumns:
        """The planned features of all keys, a column each."""
        moment = (now - EPOCH) // MICROSECOND
        names = [plan.name for plan in plans]
        found = self._store.get_many(names, keys) if keys else [[] for _ in names]
        parts = [plan.columns(rows, moment) for plan, rows in zip(plans, found, strict=True)]
        return OnlineColumns(
            keys=keys,
            values={name: column for values, _, _ in parts for name, column in values.items()},
            event_timestamps={name: column for _, times, _ in parts for name, column in times.items()},
            statuses={name: column for _, _, codes in parts for name, column in codes.items()},
        )

    def _plan(self, service: str) -> list[ViewPlan]:
        if service not in self._plans:
            served = views_of(service)
            offline = [view for view in served if not VIEWS[view].online]
            if offline:
                raise FeatureError(
                    f"the service {service!r} is not served online: {', '.join(offline)} stays offline"
                )
            self._plans[service] = [ViewPlan(VIEWS[view], names) for view, names in served.items()]
        return self._plans[service]


def _joined(key: str, plans: Sequence[ViewPlan], packed: Sequence[bytes | None], now: int) -> OnlineRow:
    values: dict[str, Any] = {}
    times: dict[str, datetime | None] = {}
    statuses: dict[str, FeatureStatus] = {}
    for plan, each in zip(plans, packed, strict=True):
        plan.fill(each, now, values, times, statuses)
    return OnlineRow(key, values, times, statuses)
