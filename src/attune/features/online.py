"""What serving asks of an online feature store, and how fresh each answer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# A value is stale for as long again as it lives, and expired afterwards.
GRACE = 1


class FeatureStatus(StrEnum):
    """Whether a value can be used; a store that says "present" for an old value is not believed."""

    PRESENT = "present"
    STALE = "stale"
    EXPIRED = "expired"
    MISSING = "missing"


STATUSES = tuple(FeatureStatus)
USABLE = frozenset({FeatureStatus.PRESENT, FeatureStatus.STALE})


@dataclass(frozen=True)
class OnlineRow:
    """The features of one customer or item at one moment.

    Attributes:
        key: The customer or item asked for.
        values: Feature -> value; None where missing or expired. A stale value is given, marked as stale.
        event_timestamps: Feature -> as-of time of the value, in UTC, also of one that is expired; None where
            missing.
        statuses: Feature -> whether the value can be used.
    """

    key: str
    values: Mapping[str, Any]
    event_timestamps: Mapping[str, datetime | None]
    statuses: Mapping[str, FeatureStatus]

    @property
    def known(self) -> bool:
        """Whether the store knows anything at all about the key."""
        return any(status is not FeatureStatus.MISSING for status in self.statuses.values())


@dataclass(frozen=True)
class OnlineColumns:
    """The features of many customers or items at one moment, N of them in the order asked.

    Attributes:
        keys: Who was asked for.
        values: Feature -> array[N] of numbers, or a list of N texts or lists. What stands in the place of a
            value that is neither present nor stale means nothing: look at its status.
        event_timestamps: Feature -> as-of times, int64[N], microseconds since 1970; 0 where missing.
        statuses: Feature -> places in `STATUSES`, uint8[N].
    """

    keys: Sequence[str]
    values: Mapping[str, NDArray[Any] | list[Any]]
    event_timestamps: Mapping[str, NDArray[np.int64]]
    statuses: Mapping[str, NDArray[np.uint8]]


class OnlineFeatures(Protocol):
    """A store that answers with the latest features, at once."""

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        """The features of a service for each key, in the order asked.

        Args:
            service: A feature service, `churn_v1` for example.
            keys: Customers (items where the service's views are about items).
            now: A value is stale when its as-of time is longer ago than its view's time to live, and
                expired when it is more than `GRACE` such times longer; a value from after `now` is missing.
        """
