"""Why a score, why an item: by the model's own word where it has one, else by leaving out.

Leaving out asks the same model again, in one call: what would it say of this customer if one feature were
that of somebody of whom nothing is known, or if one item had never been bought? The difference is what the
feature, or the purchase, adds. Such differences need not sum to the score.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import numpy as np

from attune import columns as c
from attune.models.base import fulfils
from serving import examples
from serving.asking import Row, probabilities, table, unsound
from serving.champions import Champion
from serving.schemas import Contribution
from serving.traces import part

MOST_FEATURES = 10
MOST_PURCHASES = 20
MOST_REASONS = 3


@runtime_checkable
class ExplainsItself(Protocol):
    """A scorer that says what each feature adds to a probability."""

    def score_and_explain(
        self, rows: Sequence[Row], as_of: datetime
    ) -> Sequence[tuple[float, Mapping[str, float]]]:
        """For each row a probability, and feature -> what it adds."""


def explained_scores(
    version: Champion, rows: Sequence[Row], as_of: datetime
) -> list[tuple[float, list[Contribution]]]:
    """A probability of each row, and what each feature adds to it, the largest first, ten at most.

    Raises:
        Problem: What the version gave are none (500).
    """
    if fulfils(version.model.__class__, ExplainsItself):
        with part("score"):
            found = version.model.score_and_explain(rows, as_of)
        if not all(0 <= score <= 1 for score, _ in found):
            raise unsound()
    else:
        found = [_left_out(version, values, as_of) for values in rows]
    return [(score, _largest(added)) for score, added in found]


def _largest(added: Mapping[str, float]) -> list[Contribution]:
    order = sorted(added, key=lambda name: -abs(added[name]))
    return [Contribution(name=name, contribution=added[name]) for name in order[:MOST_FEATURES]]


def _left_out(version: Champion, values: Row, as_of: datetime) -> tuple[float, dict[str, float]]:
    usual = examples.nobody(version.service)
    names = [name for name in usual if name in values and values[name] != usual[name]]
    changed = [dict(values) | {name: usual[name]} for name in names]
    scores = probabilities(version, [dict(values), *changed], as_of)
    return float(scores[0]), dict(zip(names, (scores[0] - scores[1:]).tolist(), strict=True))


def explain_items(
    version: Champion, history: Mapping[str, Sequence[Any]], items: Sequence[str], as_of: datetime
) -> dict[str, list[Contribution]]:
    """Item -> the purchases that its score rests on most; of purchases the last twenty are asked about."""
    bought = list(dict.fromkeys(reversed(history[c.HISTORY_ITEMS])))[:MOST_PURCHASES]
    without = [_without(history, item) for item in bought]
    frame = table([dict(history), *without], as_of)
    found, scores = version.model.recommend(frame, len(items), frozenset(items))
    by_item = [
        {item: float(score) for item, score in zip(row, line, strict=True) if item is not None}
        for row, line in zip(found, scores, strict=True)
    ]
    return {item: _reasons(item, bought, by_item) for item in items}


def _reasons(item: str, bought: Sequence[str], by_item: Sequence[Mapping[str, float]]) -> list[Contribution]:
    """What the score of an item loses with each purchase; an item that is lost altogether loses it all."""
    whole = by_item[0].get(item, 0.0)
    added = [whole - less.get(item, 0.0) for less in by_item[1:]]
    order = sorted(range(len(bought)), key=lambda place: -added[place])[:MOST_REASONS]
    return [
        Contribution(name=bought[place], contribution=added[place])
        for place in order
        if np.isfinite(added[place]) and added[place] > 0
    ]


def _without(history: Mapping[str, Sequence[Any]], item: str) -> dict[str, list[Any]]:
    kept = [place for place, each in enumerate(history[c.HISTORY_ITEMS]) if each != item]
    return {name: [history[name][place] for place in kept] for name in (c.HISTORY_ITEMS, c.HISTORY_TIMES)}
