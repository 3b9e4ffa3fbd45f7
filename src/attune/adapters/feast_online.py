"""Online reads through Feast, each value with its age; Feast itself gives expired values as present."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from feast import FeatureService, FeatureStore
from feast.errors import FeastObjectNotFoundException

from attune.errors import FeatureError
from attune.features.online import FeatureStatus, OnlineRow
from attune.features.schema import VIEWS, key_of, views_of

Answer = Mapping[str, Sequence[Any]]


def service_of(store: FeatureStore, name: str) -> FeatureService:
    """A service of the registry.

    Raises:
        FeatureError: The registry does not know it.
    """
    try:
        return store.get_feature_service(name)
    except FeastObjectNotFoundException as error:
        raise FeatureError(
            f"the feature registry does not know the service {name!r}; run the features pipeline first"
        ) from error


class OnlineReader:
    """An open online store that is asked many times."""

    def __init__(self, store: FeatureStore, version: tuple[int, int]) -> None:
        """Take over an open store.

        Args:
            store: Reads from one database file as it was when opened.
            version: Tells that file from the one that may replace it.
        """
        self.version = version
        self._store = store
        self._services: dict[str, tuple[FeatureService, str, dict[str, timedelta]]] = {}

    def read(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The features of a service for each key, in the order asked."""
        declared, key, lifetimes = self._declared(service)
        answer: Answer = self._store.get_online_features(
            features=declared, entity_rows=[{key: value} for value in keys]
        ).to_dict(include_event_timestamps=True)
        return [_row(answer, place, value, lifetimes, now) for place, value in enumerate(keys)]

    def _declared(self, service: str) -> tuple[FeatureService, str, dict[str, timedelta]]:
        if service not in self._services:
            offline = [view for view in views_of(service) if not VIEWS[view].online]
            if offline:
                raise FeatureError(
                    f"the service {service!r} is not served online: {', '.join(offline)} stays offline"
                )
            lifetimes = {name: VIEWS[view].ttl for view, names in views_of(service).items() for name in names}
            self._services[service] = service_of(self._store, service), key_of(service), lifetimes
        return self._services[service]


def _row(
    answer: Answer, place: int, key: str, lifetimes: Mapping[str, timedelta], now: datetime
) -> OnlineRow:
    values: dict[str, Any] = {}
    times: dict[str, datetime | None] = {}
    statuses: dict[str, FeatureStatus] = {}
    for name, lifetime in lifetimes.items():
        value, seconds = answer[name][place], answer[f"{name}__ts"][place]
        time = datetime.fromtimestamp(seconds, UTC) if seconds else None
        status = _status(value, time, lifetime, now)
        missing = status is FeatureStatus.MISSING
        values[name], times[name] = (None, None) if missing else (value, time)
        statuses[name] = status
    return OnlineRow(key=key, values=values, event_timestamps=times, statuses=statuses)


def _status(value: Any, time: datetime | None, lifetime: timedelta, now: datetime) -> FeatureStatus:
    if value is None or time is None or time > now:
        return FeatureStatus.MISSING
    return FeatureStatus.STALE if now - time > lifetime else FeatureStatus.PRESENT
