"""Stage one of two: a few hundred items that simple models would recommend, and what is known of each."""

# N examples, V items of the catalogue, P pairs of an example and a candidate, F features of a pair

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.models.base import Tensors
from attune.models.counting import CountingRecommender
from attune.models.history import Histories
from attune.models.item_to_item import ItemToItem
from attune.models.items import Items
from attune.models.markov_chain import MarkovChain
from attune.models.personal_frequency import PersonalFrequency
from attune.models.popularity import Popularity
from attune.models.repeats import REPEAT_FEATURES, Repeats, find_repeats

Codes = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]

# All of them know every item that was ever bought, so that an item has the same code in each.
_RETRIEVERS: Mapping[str, tuple[type[CountingRecommender], Mapping[str, Any]]] = {
    "personal_frequency": (PersonalFrequency, {}),
    "item_to_item": (ItemToItem, {"min_count": 1}),
    "markov_chain": (MarkovChain, {"min_count": 1}),
    "popularity": (Popularity, {}),
}
RETRIEVERS = tuple(_RETRIEVERS)


@dataclass(frozen=True)
class Candidates:
    """The candidates of N examples, those of one example in a row.

    Attributes:
        row: The example of each pair, shape [P].
        code: The item of each pair, shape [P].
        features: What the retrievers and the history say of it, shape [P, F].
    """

    row: Codes
    code: Codes
    features: Float32s

    def scores(self, member: int) -> Float32s:
        """What one of the retrievers says of each pair, shape [P]."""
        scores_P: Float32s = self.features[:, 2 * member]
        return scores_P


class CandidateRetrieval:
    """Simple models that together name the candidates; each knows why, and says so in a score."""

    def __init__(self, members: Sequence[CountingRecommender]) -> None:
        """Take models in the order of `RETRIEVERS`, which all have the same catalogue."""
        self.members = members

    @classmethod
    def learn(
        cls, train: pd.DataFrame, validation: pd.DataFrame, settings: Mapping[str, Mapping[str, Any]]
    ) -> Self:
        """Let each of them learn; see `Fittable`.

        Args:
            train: What teaches.
            validation: What chooses their few settings.
            settings: Of some of them, by name.
        """
        members = _members(settings)
        for member in members:
            member.fit(train, validation)
        return cls(members)

    @property
    def items(self) -> Items:
        """The catalogue."""
        return self.members[0].items

    def candidates(self, histories: Histories, each: int, forbidden: npt.NDArray[np.bool_]) -> Candidates:
        """The best items of each model, once.

        Args:
            histories: Of N examples.
            each: How many of each model.
            forbidden: What may not be among them, shape [N, V].
        """
        repeats, count, size = find_repeats(histories), len(histories), len(self.items)
        scored = [np.array(member.scores(histories), dtype=np.float32) for member in self.members]
        each = min(each, size)
        wanted_NV = np.zeros((count, size), dtype=bool)
        for scores_NV in scored:
            best_NK = np.argpartition(np.where(forbidden, -np.inf, scores_NV), size - each, axis=1)
            np.put_along_axis(wanted_NV, best_NK[:, size - each :], values=True, axis=1)
        row, code = (found.astype(np.int64) for found in np.nonzero(wanted_NV & ~forbidden))
        columns = [column for scores_NV in scored for column in _of_scores(scores_NV, row, code)]
        again_PF = _of_repeats(repeats, row, code, size)
        features = np.hstack([np.stack(columns, axis=1), again_PF, repeats.context[row]])
        return Candidates(row, code, features.astype(np.float32))

    def learned(self) -> tuple[dict[str, Any], Tensors]:
        """What the members learnt, under their names."""
        state: dict[str, Any] = {}
        tensors: Tensors = {}
        for name, member in zip(_RETRIEVERS, self.members, strict=True):
            state[name], learnt = member.learned()
            tensors |= {f"{name}.{key}": tensor for key, tensor in learnt.items()}
        return state, tensors

    @classmethod
    def restore(
        cls,
        items: Items,
        state: Mapping[str, Any],
        tensors: Tensors,
        settings: Mapping[str, Mapping[str, Any]],
    ) -> Self:
        """Take back what `learned` gave, with the settings that `learn` had."""
        members = _members(settings)
        for name, member in zip(_RETRIEVERS, members, strict=True):
            start = f"{name}."
            own = {key.removeprefix(start): each for key, each in tensors.items() if key.startswith(start)}
            member.restore(items, state[name], own)
        return cls(members)


def _members(settings: Mapping[str, Mapping[str, Any]]) -> list[CountingRecommender]:
    """All of them, untrained."""
    return [
        model(model.Config.parse({**settings.get(name, {}), **config}))
        for name, (model, config) in _RETRIEVERS.items()
    ]


def _of_scores(scores_NV: Float32s, row: Codes, code: Codes) -> tuple[Float32s, Float32s]:
    """The score of each pair, and its share of the best score of its example."""
    score_P = scores_NV[row, code]
    return score_P, score_P / np.maximum(scores_NV.max(axis=1), np.float32(1e-9))[row]


def _of_repeats(repeats: Repeats, row: Codes, code: Codes, size: int) -> Float32s:
    """When and how often the example bought the item, shape [P, REPEAT_FEATURES]; 0 where it never did."""
    features = np.zeros((len(row), REPEAT_FEATURES), dtype=np.float32)
    known, pairs = repeats.row * size + repeats.code, row * size + code
    place = np.searchsorted(known, pairs)
    found = place < len(known)
    found[found] = known[place[found]] == pairs[found]
    features[found] = repeats.features[place[found]]
    return features
