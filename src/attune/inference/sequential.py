"""The sequential recommender without torch: what its graph is told of a customer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.inference.order_buckets import age_buckets, size_buckets
from attune.inference.recommending import GraphRecommender, Judgement
from attune.inference.retrieval import Retriever
from attune.inference.session import Graph
from attune.models.base import Tensors
from attune.models.history import Histories
from attune.models.items import Items
from attune.models.repeats import find_repeats

# O orders of a customer, M purchases, P items bought before, D embedding


class GraphSequential(GraphRecommender):
    """`Sequential`: new items by the customer's state, items bought before by what the history says."""

    def __init__(
        self, graph: Graph, retriever: Retriever, items: Items, tensors: Tensors, config: Mapping[str, Any]
    ) -> None:
        """Take what a version's folder holds; see `GraphRecommender`."""
        super().__init__(graph, retriever, items, tensors, config)
        self._rate, self._orders = np.float32(config["item_rate"]), int(config["orders"])
        self._bias_V = tensors["bias_V"] * self._rate

    def _judge(self, history: Histories) -> Judgement:
        repeats, tables = find_repeats(history), self._tensors
        # Of all purchases those of the latest orders.
        firsts_O = np.flatnonzero(np.diff(history.age, prepend=np.inf))[-self._orders :]
        first = firsts_O[0] if len(firsts_O) else 0
        code_M, begins_O = history.code[first:], firsts_O - first
        size_O = np.diff(np.append(begins_O, len(code_M)))
        item_VD = tables["item_VD"]
        sum_OD = np.add.reduceat(item_VD[code_M], begins_O) if len(firsts_O) else item_VD[:0]
        inputs: dict[str, npt.NDArray[Any]] = {
            "context": repeats.context,
            "orders": sum_OD * (self._rate / np.sqrt(size_O.astype(np.float32)))[:, None],
            "ages": age_buckets(history.age[firsts_O], len(tables["encoder.age.weight"])),
            "sizes": size_buckets(size_O, len(tables["encoder.size.weight"])),
            # In training they are kept in half precision.
            "repeats": repeats.features.astype(np.float16).astype(np.float32),
            "repeat_items": item_VD[repeats.code],
            "item_features": tables["habits_VF"][repeats.code],
            "habits": tables["habit_VH"][repeats.code],
        }
        state_1D, again_P = self._graph.run(inputs)
        return Judgement(state_1D[0], repeats.code, again_P + self._bias_V[repeats.code])
