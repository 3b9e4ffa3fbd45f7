"""Recommendations for customers: what may be used of them, and what is left after the filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, cast, runtime_checkable

import pandas as pd

from attune.columns import EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES
from attune.models.base import Recommender, Wish, fulfils

Degraded = Literal["unknown_customer", "no_consent", "no_feature_store", "missing_features", "stale_features"]
Features = Literal["fresh", "stale", "missing", "unreachable"]

_OF_FEATURES: Mapping[Features, tuple[Degraded, ...]] = {
    "fresh": (),
    "stale": ("stale_features",),
    "missing": ("missing_features",),
    "unreachable": ("no_feature_store",),
}


@runtime_checkable
class SideBySide(Protocol):
    """A recommender that answers several customers without a table around their histories."""

    def recommend_each(self, wishes: Sequence[Wish]) -> list[tuple[list[str], list[float]]]:
        """For each wish the k best items, best first, and their scores; fewer where fewer are left."""


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


@dataclass(frozen=True)
class Asked:
    """What is to be recommended to whom.

    Attributes:
        standing: What may be used; features are not even looked at where it forbids.
        features: The history columns of the customer; None where there are none.
        as_of: The moment that ages are counted from, with a time zone.
        k: How many items.
        allowed: Only these may appear; None allows the whole catalogue.
        excluded: These may not; few.
    """

    standing: Standing
    features: Mapping[str, Any] | None
    as_of: datetime
    k: int
    allowed: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset()

    @property
    def is_personal(self) -> bool:
        """Whether the answer rests on the customer's own history."""
        return self.features is not None and self.standing.is_personal

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """In which way the answer is less than it could be."""
        return self.standing.degraded or (() if self.is_personal else ("missing_features",))

    @property
    def wish(self) -> Wish:
        """What a model is told."""
        told = self.features if self.features and self.is_personal else {}
        items, times = told.get(HISTORY_ITEMS, []), told.get(HISTORY_TIMES, [])
        return Wish(items, times, self.as_of, self.k, self.allowed, self.excluded)


def recommend_each(model: Recommender, asked: Sequence[Asked]) -> list[Recommendations]:
    """Recommend to several customers.

    A customer whose history may not be used, or is not there, is recommended what the model says of an empty
    history: what is popular. Filters act before the best are taken.

    Args:
        model: The champion.
        asked: N questions.

    Returns:
        N answers, in the order asked.

    Raises:
        ModelError: A k is below 1, or a history is malformed.
    """
    if fulfils(type(model), SideBySide):
        found = cast(SideBySide, model).recommend_each([each.wish for each in asked])
    else:
        found = [_from_table(model, each) for each in asked]
    return [
        Recommendations(items=tuple(items), scores=tuple(scores), degraded=each.degraded)
        for each, (items, scores) in zip(asked, found, strict=True)
    ]


def _from_table(model: Recommender, asked: Asked) -> tuple[list[str], list[float]]:
    items, times, as_of, k, allowed, _ = asked.wish
    features = dict(asked.features) if asked.features and asked.is_personal else {}
    columns = {
        name: [value] for name, value in {**features, HISTORY_ITEMS: items, HISTORY_TIMES: times}.items()
    }
    example = pd.DataFrame(columns | {EVENT_TIMESTAMP: pd.DatetimeIndex([as_of]).as_unit("us")})
    # Of k more than are excluded at least k are left: the same k as if those had never been looked at.
    found, scores = model.recommend(example, k + len(asked.excluded), allowed)
    left = [
        (item, float(score))
        for item, score in zip(found[0], scores[0], strict=True)
        if item is not None and item not in asked.excluded
    ][:k]
    return [item for item, _ in left], [score for _, score in left]
