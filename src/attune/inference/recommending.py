"""A recommender that answers from a graph: numpy and ONNX Runtime, nothing of the library that trained it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.errors import ModelError
from attune.inference.customer_history import one_history
from attune.inference.files import RETRIEVAL_FILE, open_graph
from attune.inference.order_buckets import age_buckets, size_buckets
from attune.inference.retrieval import Retriever, Vector, best_of
from attune.inference.session import Graph
from attune.models.base import Floats, Tensors, read_model
from attune.models.history import Histories, read_histories
from attune.models.items import Items
from attune.models.repeats import find_repeats

# V items of the catalogue, O orders of a customer, P items bought before, D embedding, K recommendations
_REMEMBERED_FILTERS = 64
_SHORTEST = 1e-12


class GraphRecommender:
    """Recommends as the sequential network does from which its graph was made."""

    def __init__(
        self, graph: Graph, retriever: Retriever, items: Items, tensors: Tensors, config: dict[str, float]
    ) -> None:
        """Take what a version's folder holds.

        Args:
            graph: The network for one customer.
            retriever: Over the items' vectors.
            items: The catalogue.
            tensors: The network's weights, of which the tables of items are read here.
            config: The network's settings.
        """
        self._graph, self._retriever, self.items = graph, retriever, items
        self._item_VD, self._habit_VH = tensors["item_VD"], tensors["habit_VH"]
        self._length_V = np.maximum(np.linalg.norm(self._item_VD, axis=1), _SHORTEST)
        self._features_VI = tensors["habits_VF"]
        self._ages, self._sizes = len(tensors["encoder.age.weight"]), len(tensors["encoder.size.weight"])
        self._rate = np.float32(config["item_rate"])
        self._bias_V = tensors["bias_V"] * self._rate
        self._orders = int(config["orders"])
        self._exclude_seen = bool(config["exclude_seen"])
        self._offset = lru_cache(_REMEMBERED_FILTERS)(self._make_offset)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check the graph on its samples.

        Raises:
            ModelError: A file is missing, unreadable or not what was exported.
        """
        config, state, tensors = read_model(folder)
        retriever = Retriever(Graph.read(folder / RETRIEVAL_FILE), tensors["item_VD"])
        return cls(open_graph(folder), retriever, Items(state["items"]), tensors, config)

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
        for row in range(len(histories)):
            codes, scores = self._best(histories.rows(row, row + 1), k, allowed, ())
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
        """Recommend to one customer.

        Args:
            items: What they bought, oldest first; nothing for a new customer.
            times: When, unix seconds.
            as_of: The moment that ages are counted from, with a time zone.
            k: How many items.
            allowed: Only these may appear; None allows the whole catalogue. The same set again costs nothing.
            excluded: These may not appear, for example what was bought before.

        Returns:
            Items, best first, and their scores; fewer than k where fewer are left.

        Raises:
            ModelError: k is below 1, or there are more items than times or the other way round.
        """
        history = one_history(items, times, as_of.timestamp(), self.items.codes)
        codes, scores = self._best(history, k, allowed, excluded)
        return self.items.ids[codes].tolist(), scores.tolist()

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
        scores_V = self._item_VD @ self._item_VD[code] / (self._length_V * self._length_V[code])
        scores_V[np.isneginf(self._offset(allowed))] = -np.inf
        scores_V[code] = -np.inf
        codes, scores = best_of(scores_V, k)
        return self.items.ids[codes].tolist(), scores.tolist()

    def _best(
        self, history: Histories, k: int, allowed: frozenset[str] | None, excluded: Iterable[str]
    ) -> tuple[npt.NDArray[np.int64], Vector]:
        if k < 1:
            raise ModelError(f"{k} recommendations were asked for, at least 1 is wanted")
        state_D, code_P, again_P = self._ask(history)
        plain_V = self._offset(allowed)
        banned = self.items.codes(excluded)
        # What was bought before is judged by its history instead of by the state.
        offset_V = plain_V.copy()
        offset_V[code_P] = -np.inf
        offset_V[banned[banned >= 0]] = -np.inf
        codes, scores = self._retriever.best(state_D, k, offset_V)
        if not self._exclude_seen:
            kept = np.isfinite(plain_V[code_P]) & ~np.isin(code_P, banned)
            codes = np.concatenate([codes, code_P[kept]])
            scores = np.concatenate([scores, again_P[kept] + self._bias_V[code_P[kept]]])
        order = np.lexsort((codes, -scores))[:k]
        return codes[order], scores[order]

    def _ask(self, history: Histories) -> tuple[Vector, npt.NDArray[np.int64], Vector]:
        """The state of a customer, the items bought before, and their logits without the items' biases."""
        repeats = find_repeats(history)
        code_P = repeats.code
        # Of all purchases those of the latest orders.
        firsts_O = np.flatnonzero(np.diff(history.age, prepend=np.inf))[-self._orders :]
        first = firsts_O[0] if len(firsts_O) else 0
        code_M, begins_O = history.code[first:], firsts_O - first
        size_O = np.diff(np.append(begins_O, len(code_M)))
        sum_OD = np.add.reduceat(self._item_VD[code_M], begins_O) if len(firsts_O) else self._item_VD[:0]
        inputs: dict[str, npt.NDArray[Any]] = {
            "context": repeats.context,
            "orders": sum_OD * (self._rate / np.sqrt(size_O.astype(np.float32)))[:, None],
            "ages": age_buckets(history.age[firsts_O], self._ages),
            "sizes": size_buckets(size_O, self._sizes),
            "repeats": repeats.features.astype(np.float16).astype(np.float32),
            "repeat_items": self._item_VD[code_P],
            "item_features": self._features_VI[code_P],
            "habits": self._habit_VH[code_P],
        }
        state_1D, again_P = self._graph.run(inputs)
        return state_1D[0], code_P, again_P

    def _make_offset(self, allowed: frozenset[str] | None) -> Vector:
        if allowed is None:
            return self._bias_V
        offset_V = np.full(len(self.items), -np.inf, dtype=np.float32)
        mask_V = self.items.mask(allowed)
        offset_V[mask_V] = self._bias_V[mask_V]
        return offset_V
