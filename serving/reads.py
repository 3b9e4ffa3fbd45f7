"""What may be known of a customer for a model, how fresh it is, and what stands in for what is missing."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, cast

import pandas as pd

from attune import columns as c
from attune.errors import FeatureError, UnreadableRowError
from attune.features.consented import ConsentedFeatures, Consents
from attune.features.online import USABLE, FeatureStatus, OnlineFeatures, OnlineRow
from attune.features.schema import Purpose, features_of
from attune.recommend import Features
from serving import metrics
from serving.breaker import Breaker
from serving.champions import Champion
from serving.schemas import Degradation
from serving.traces import part

REFERENCE_FILE = "reference.parquet"
# More than this share of defaults is no longer about the customer.
MOST_DEFAULTS = 0.5
HISTORY = frozenset({c.HISTORY_ITEMS, c.HISTORY_TIMES})
QUICK_SECONDS = 0.002


class GuardedStore:
    """A store that is not asked while it fails; see `OnlineFeatures`.

    Attributes:
        is_quick: Whether the last answer came so soon that nobody minded the wait.
    """

    def __init__(
        self, store: OnlineFeatures, breaker: Breaker, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing has been asked yet.

        Args:
            store: Answers with values, or fails in time.
            breaker: Says when it is asked.
            clock: In seconds; the breaker's own.
        """
        self._store = store
        self._breaker = breaker
        self._clock = clock
        self.is_quick = False

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The features of a service for each key.

        Raises:
            FeatureError: The store failed, or failed lately.
        """
        if not keys:
            return []  # which says nothing about the store
        if not self._breaker.allows():
            metrics.feature_reads("spared").inc()
            raise FeatureError("the online store failed lately; it is asked again in less than a second")
        started = self._clock()
        try:
            with part("read"):
                rows = self._store.online(service, keys, now)
        except UnreadableRowError:  # which is not the store's silence
            self._breaker.succeeded()
            metrics.feature_reads("unreadable").inc()
            raise
        except FeatureError:
            self.is_quick = False
            self._breaker.failed(started)
            metrics.feature_reads("failed").inc()
            raise
        self.is_quick = self._clock() - started < QUICK_SECONDS
        self._breaker.succeeded()
        metrics.feature_reads("answered").inc()
        return rows


@dataclass(frozen=True)
class Reading:
    """What a model may rest on.

    Attributes:
        consent: Whether the customer agreed to the purpose.
        state: In which state the store has the features.
        row: What the store said; None without consent or without an answer.
        values: Feature -> value, complete; None where too little is known.
        degraded: Why it is less than it could be.
    """

    consent: bool
    state: Features
    row: OnlineRow | None = None
    values: Mapping[str, Any] | None = None
    degraded: tuple[Degradation, ...] = ()

    @cached_property
    def as_of(self) -> datetime | None:
        """The date of the latest snapshot in it."""
        # Features of one view have one moment: few are compared.
        moments = set(self.row.event_timestamps.values()) if self.row and self.values else set()
        return max(filter(None, moments), default=None)


UNREACHABLE = Reading(consent=True, state="unreachable", degraded=("no_feature_store",))
REFUSED = Reading(consent=False, state="missing", degraded=("no_consent",))


class Reader:
    """Reads features for served versions: consent first, then the store, then training defaults."""

    def __init__(self, store: GuardedStore, consents: Consents) -> None:
        """Wrap a store.

        Args:
            store: Answers with values, or fails in time.
            consents: Says at each read whose values may be read.
        """
        self._store = store
        self._features = ConsentedFeatures(store, consents)
        self._defaults: dict[tuple[str, int], Mapping[str, Any]] = {}

    @property
    def is_quick(self) -> bool:
        """Whether the last read took next to no time."""
        return self._store.is_quick

    def read(self, version: Champion, customer: str, now: datetime) -> Reading:
        """What may be known of one customer for one version; see `read_each`."""
        return self._read_all(version, [customer], now)[0]

    def read_each(self, asked: Sequence[tuple[Champion, str]], now: datetime) -> list[Reading]:
        """What may be known of customers, by one read for each version.

        Args:
            asked: N versions, each of which says which features for which purpose, and N customers by
                pseudonym.
            now: The moment that ages are counted from.

        Returns:
            N readings, in the order asked.
        """
        found: dict[int, Reading] = {}
        for version, places in places_of([version for version, _ in asked]):
            readings = self._read_all(version, [asked[place][1] for place in places], now)
            found |= zip(places, readings, strict=True)
        return [found[place] for place in range(len(asked))]

    def _read_all(self, version: Champion, customers: Sequence[str], now: datetime) -> list[Reading]:
        purpose = cast(Purpose, version.purpose)
        try:
            found = self._features.read(version.service, customers, purpose, now)
        except UnreadableRowError:  # of one of them
            if len(customers) == 1:
                return [UNREACHABLE]
            return [self._read_all(version, [customer], now)[0] for customer in customers]
        except FeatureError:
            return [UNREACHABLE] * len(customers)
        return [self._completed(version, each.features) if each.features else REFUSED for each in found]

    def _completed(self, version: Champion, row: OnlineRow) -> Reading:
        statuses = row.statuses.values()
        stale = FeatureStatus.STALE in statuses
        degraded: tuple[Degradation, ...] = ("stale_features",) if stale else ()
        state: Features = "stale" if stale else "fresh"
        if USABLE.issuperset(statuses):
            return Reading(True, state, row, row.values, degraded)
        missing = {name for name, status in row.statuses.items() if status not in USABLE}
        defaults = self._defaults_of(version)
        enough = len(missing) < MOST_DEFAULTS * len(row.values) and missing <= defaults.keys()
        if not enough or missing & HISTORY:
            return Reading(True, "missing", row, degraded=("missing_features",))
        values = {**row.values, **{name: defaults[name] for name in missing}}
        return Reading(True, state, row, values, (*degraded, "default_features"))

    def _defaults_of(self, version: Champion) -> Mapping[str, Any]:
        key = version.name, version.number
        if key not in self._defaults:
            self._defaults[key] = training_defaults(version)
        return self._defaults[key]


def places_of(versions: Sequence[Champion]) -> list[tuple[Champion, list[int]]]:
    """Each version once, and where it stands in a list."""
    places: dict[int, tuple[Champion, list[int]]] = {}
    for place, version in enumerate(versions):
        places.setdefault(id(version), (version, []))[1].append(place)
    return list(places.values())


def training_defaults(version: Champion) -> Mapping[str, Any]:
    """Feature -> what was usual in training: the median of numbers, the most frequent word.

    A version that keeps no reference rows has none. Who was never sent a message has no list of them.
    """
    file = version.version.folder / REFERENCE_FILE
    if not file.exists():
        return {}
    rows = pd.read_parquet(file)
    kinds = features_of(version.service)
    usual: dict[str, Any] = {name: [] for name in c.PAST_MESSAGES if name in kinds}
    for name in rows.columns.intersection(list(kinds)):
        column = rows[name].dropna()
        if column.empty or kinds[name].startswith("list"):
            continue
        if kinds[name] == "string":
            usual[name] = str(column.mode().iloc[0])
        else:
            middle = float(column.median())
            usual[name] = round(middle) if kinds[name] == "int64" else middle
    return usual
