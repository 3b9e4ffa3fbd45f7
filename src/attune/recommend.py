"""Recommendations for one customer: what may be used of them, and what is left after the filters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, cast, runtime_checkable

import pandas as pd

from attune.columns import EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES
from attune.models.base import Recommender

Degraded = Literal["unknown_customer", "no_consent", "no_feature_store", "missing_features", "stale_features"]
Features = Literal["fresh", "stale", "missing", "unreachable"]

_OF_FEATURES: Mapping[Features, tuple[Degraded, ...]] = {
    "fresh": (),
    "stale": ("stale_features",),
    "missing": ("missing_features",),
    "unreachable": ("no_feature_store",),
}


@runtime_checkable
class OneByOne(Protocol):
    """A recommender that answers one customer without a table around the history."""

    def recommend_one(
        self,
        items: Sequence[str],
        times: Sequence[float],
        as_of: datetime,
        k: int,
        allowed: frozenset[str] | None = None,
        excluded: Iterable[str] = (),
    ) -> tuple[list[str], list[float]]:
        """The k best items, best first, and their scores; fewer where fewer are left."""


@dataclass(frozen=True)
class Standing:
    """What is known of a customer, and what they agreed to.

    Attributes:
        known: The customer is one of ours.
        agreed: Their consent to recommendations stands.
        features: In which state the feature store has their features.
    """

    known: bool
    agreed: bool
    features: Features

    @property
    def is_personal(self) -> bool:
        """Whether the answer may rest on the customer's own history."""
        return self.known and self.agreed and self.features in ("fresh", "stale")

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """In which way the answer is less than it could be; the first reason hides those behind it.

        >>> Standing(known=True, agreed=False, features="stale").degraded
        ('no_consent',)
        """
        if not self.known:
            return ("unknown_customer",)
        if not self.agreed:
            return ("no_consent",)
        return _OF_FEATURES[self.features]


@dataclass(frozen=True)
class Recommendations:
    """Items, best first, each once, with their scores; fewer than asked for where the filters left fewer."""

    items: tuple[str, ...]
    scores: tuple[float, ...]
    degraded: tuple[Degraded, ...]


def recommend_for(
    model: Recommender,
    standing: Standing,
    features: Mapping[str, Any] | None,
    as_of: datetime,
    k: int,
    allowed: frozenset[str] | None = None,
    excluded: frozenset[str] = frozenset(),
) -> Recommendations:
    """Recommend k items to one customer.

    A customer whose history may not be used, or is not there, is recommended what the model says of an empty
    history: what is popular. Filters act before the best are taken.

    Args:
        model: The champion.
        standing: What may be used; features are not even looked at where it forbids.
        features: The history columns of the customer; None where there are none.
        as_of: The moment that ages are counted from, with a time zone.
        k: How many items.
        allowed: Only these may appear; None allows the whole catalogue.
        excluded: These may not; few.

    Raises:
        ModelError: k is below 1, or the history is malformed.
    """
    personal = features is not None and standing.is_personal
    items, times = (
        features[name] if features and personal else [] for name in (HISTORY_ITEMS, HISTORY_TIMES)
    )
    if _one_by_one(type(model)):
        found, scores = cast(OneByOne, model).recommend_one(items, times, as_of, k, allowed, excluded)
    else:
        told = dict(features) if features and personal else {}
        found, scores = _from_table(
            model, told | {HISTORY_ITEMS: items, HISTORY_TIMES: times}, as_of, k, allowed, excluded
        )
    return Recommendations(
        items=tuple(found),
        scores=tuple(scores),
        degraded=standing.degraded or (() if personal else ("missing_features",)),
    )


@cache
def _one_by_one(kind: type) -> bool:
    # Looking at a protocol costs more than a small network.
    return issubclass(kind, OneByOne)


def _from_table(
    model: Recommender,
    features: Mapping[str, Any],
    as_of: datetime,
    k: int,
    allowed: frozenset[str] | None,
    excluded: frozenset[str],
) -> tuple[list[str], list[float]]:
    moment = pd.DatetimeIndex([as_of]).as_unit("us")
    columns = {name: [value] for name, value in features.items()}
    example = pd.DataFrame(columns | {EVENT_TIMESTAMP: moment})
    # Of k more than are excluded at least k are left: the same k as if those had never been looked at.
    found, scores = model.recommend(example, k + len(excluded), allowed)
    left = [
        (item, float(score))
        for item, score in zip(found[0], scores[0], strict=True)
        if item is not None and item not in excluded
    ][:k]
    return [item for item, _ in left], [score for _, score in left]
