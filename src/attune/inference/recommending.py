"""Recommenders that answer from a graph: numpy and ONNX Runtime, nothing of the library that trained them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.errors import ModelError
from attune.inference.files import RETRIEVAL_FILE, open_graph
from attune.inference.item_index import ItemIndex
from attune.inference.retrieval import Codes, Retriever, Vector, best_of, sorted_best
from attune.inference.session import Graph
from attune.models.base import Floats, Tensors, Wish, read_model
from attune.models.history import Histories, histories_of, read_histories
from attune.models.items import Items

# V items of the catalogue, D embedding, P items with a score of their own, K recommendations
_REMEMBERED_FILTERS = 64
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Judgement:
    """What a network says of a customer.

    Attributes:
        state: What the items' vectors are compared with, shape [D].
        own: Items whose score is not that of the state, each once, shape [P].
        own_scores: Their scores, shape [P].
    """

    state: Vector
    own: Codes
    own_scores: Vector


class GraphRecommender:
    """Recommends as the network does from which its graph was made; a subclass asks the graph."""

    def __init__(
        self, graph: Graph, retriever: Retriever, items: Items, tensors: Tensors, config: Mapping[str, Any]
    ) -> None:
        """Take what a version's folder holds.

        Args:
            graph: The network for one customer.
            retriever: Over the items' vectors.
            items: The catalogue.
            tensors: The network's weights, of which the tables of items are read.
            config: Its settings.
        """
        self._graph, self._retriever, self.items, self._tensors = graph, retriever, items, tensors
        self._bias_V: Vector = tensors["bias_V"]
        self._exclude_seen = bool(config["exclude_seen"])
        self._offset = lru_cache(_REMEMBERED_FILTERS)(self._make_offset)
        self.index: ItemIndex | None = None

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check the graph on its samples.

        Raises:
            ModelError: A file is missing, unreadable or not what was exported.
        """
        config, state, tensors = read_model(folder)
        retriever = Retriever(Graph.read(folder / RETRIEVAL_FILE), tensors["item_VD"])
        recommender = cls(open_graph(folder), retriever, Items(state["items"]), tensors, config)
        recommender.index = ItemIndex.open(folder, tensors["item_VD"], recommender._bias_V)
        return recommender

    @property
    def uncertified(self) -> int:
        """How often screening could not prove its answer, and all items were scored in full."""
        return self._retriever.uncertified

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend what each customer buys next; see `Recommender`."""
        histories = read_histories(examples, self.items.codes)
        found_NK = np.full((len(histories), k), None, dtype=object)
        scores_NK = np.full((len(histories), k), -np.inf)
        for start in range(0, len(histories), _ROWS_AT_ONCE):
            part = histories.rows(start, start + _ROWS_AT_ONCE)
            for row, (said, bought) in enumerate(self._judged(part), start):
                codes, scores = self._best(said, bought, k, allowed, ())
                found_NK[row, : len(codes)] = self.items.ids[codes]
                scores_NK[row, : len(codes)] = scores
        return found_NK, scores_NK

    def recommend_one(
        self,
        items: Sequence[str | None],
        times: Sequence[float],
        as_of: datetime,
        k: int,
        allowed: frozenset[str] | None = None,
        excluded: Iterable[str] = (),
    ) -> tuple[list[str], list[float]]:
        """Recommend to one customer; see `recommend_each`."""
        return self.recommend_each([Wish(items, times, as_of, k, allowed, excluded)])[0]

    def recommend_each(self, wishes: Sequence[Wish]) -> list[tuple[list[str], list[float]]]:
        """Recommend to several customers, each by their own wish, sharing what can be computed for all.

        Returns:
            For each items, best first, and their scores; fewer than k where fewer are left.

        Raises:
            ModelError: A k is below 1, or there are more items than times or the other way round.
        """
        items, times = [wish.items for wish in wishes], [wish.times for wish in wishes]
        as_of = np.array([wish.as_of.timestamp() for wish in wishes])
        histories = histories_of(items, times, as_of, self.items.codes)
        found = []
        for wish, (said, bought) in zip(wishes, self._judged(histories), strict=True):
            codes, scores = self._best(said, bought, wish.k, wish.allowed, wish.excluded)
            found.append((self.items.ids[codes].tolist(), scores.tolist()))
        return found

    def similar(
        self, item: str, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[list[str], list[float]]:
        """The items whose vectors point where this one's does, by cosine; itself left out.

        Raises:
            ModelError: The catalogue does not have the item.
        """
        (code,) = self.items.codes([item])
        if code < 0:
            raise ModelError(
                f"the catalogue has no item {item!r}; ask for one of its {len(self.items)} items"
            )
        scores_V = self._retriever.cosines(code)
        scores_V[np.isneginf(self._offset(allowed))] = -np.inf
        scores_V[code] = -np.inf
        codes, scores = best_of(scores_V, k)
        return self.items.ids[codes].tolist(), scores.tolist()

    def _best(
        self,
        said: Judgement,
        bought: Codes,
        k: int,
        allowed: frozenset[str] | None,
        excluded: Iterable[str],
    ) -> tuple[Codes, Vector]:
        if k < 1:
            raise ModelError(f"{k} recommendations were asked for, at least 1 is wanted")
        banned = self.items.codes(excluded)
        banned = banned[banned >= 0]
        if self._exclude_seen:
            banned = np.concatenate([banned, bought])
        # What a filter leaves of the catalogue may lie in any of an index's lists: then all are searched.
        found = self._by_index(said, k, banned) if allowed is None else None
        return found or self._exactly(said, k, allowed, banned)

    def _by_index(self, said: Judgement, k: int, banned: Codes) -> tuple[Codes, Vector] | None:
        """None without an index, and where the lists that it looks through hold too few."""
        if self.index is None:
            return None
        codes, scores = self.index.best(said.state, k, np.concatenate([banned, said.own]))
        if len(codes) < k:
            return None
        return _with_own(said, ~np.isin(said.own, banned), codes, scores, k)

    def _exactly(
        self, said: Judgement, k: int, allowed: frozenset[str] | None, banned: Codes
    ) -> tuple[Codes, Vector]:
        offset_V = self._offset(allowed)
        if not len(banned) and not len(said.own):
            return self._retriever.best(said.state, k, offset_V)
        offset_V = offset_V.copy()
        offset_V[banned] = -np.inf
        kept = offset_V[said.own] > -np.inf
        offset_V[said.own] = -np.inf
        return _with_own(said, kept, *self._retriever.best(said.state, k, offset_V), k)

    def _judged(self, histories: Histories) -> Iterator[tuple[Judgement, Codes]]:
        """What the network says of each customer, and what they bought."""
        bought = (histories.code[start:stop] for start, stop in pairwise(histories.starts.tolist()))
        return zip(self._judge_each(histories), bought, strict=True)

    def _judge_each(self, histories: Histories) -> Iterator[Judgement]:
        """Ask the network about each customer."""
        raise NotImplementedError

    def _make_offset(self, allowed: frozenset[str] | None) -> Vector:
        if allowed is None:
            return self._bias_V
        offset_V = np.full(len(self.items), -np.inf, dtype=np.float32)
        mask_V = self.items.mask(allowed)
        offset_V[mask_V] = self._bias_V[mask_V]
        return offset_V


def _with_own(
    said: Judgement, kept: npt.NDArray[np.bool_], codes: Codes, scores: Vector, k: int
) -> tuple[Codes, Vector]:
    """The best of items by the state, and of those with a score of their own that may come."""
    codes = np.concatenate([codes, said.own[kept]])
    return sorted_best(codes, np.concatenate([scores, said.own_scores[kept]]), k)
