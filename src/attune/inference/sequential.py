"""The sequential recommender without torch: what its graph is told of a customer."""

from collections.abc import Iterator, Mapping
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

# N customers, O orders, M purchases, P pairs of a customer and an item bought before, D embedding


class GraphSequential(GraphRecommender):
    """`Sequential`: new items by the customer's state, items bought before by what the history says."""

    def __init__(
        self, graph: Graph, retriever: Retriever, items: Items, tensors: Tensors, config: Mapping[str, Any]
    ) -> None:
        """Take what a version's folder holds; see `GraphRecommender`."""
        super().__init__(graph, retriever, items, tensors, config)
        self._rate, self._orders = np.float32(config["item_rate"]), int(config["orders"])
        self._bias_V = tensors["bias_V"] * self._rate

    def _judge_each(self, histories: Histories) -> Iterator[Judgement]:
        repeats, tables = find_repeats(histories), self._tensors
        # In training they are kept in half precision.
        features_PR = repeats.features.astype(np.float16).astype(np.float32)
        told: dict[str, npt.NDArray[Any]] = {
            "repeats": features_PR,
            "repeat_items": tables["item_VD"][repeats.code],
            "item_features": tables["habits_VF"][repeats.code],
            "habits": tables["habit_VH"][repeats.code],
        }
        orders, starts_of_orders = self._latest_orders(histories)
        for row in range(len(histories)):
            pairs = slice(repeats.starts[row], repeats.starts[row + 1])
            latest = slice(starts_of_orders[row], starts_of_orders[row + 1])
            inputs = {name: values[pairs] for name, values in told.items()}
            inputs |= {name: values[latest] for name, values in orders.items()}
            state_1D, again_P = self._graph.run({**inputs, "context": repeats.context[row : row + 1]})
            code_P = repeats.code[pairs]
            yield Judgement(state_1D[0], code_P, again_P + self._bias_V[code_P])

    def _latest_orders(self, histories: Histories) -> tuple[dict[str, npt.NDArray[Any]], list[int]]:
        """The latest orders of all, shape [O, ...], and where those of each customer begin, N + 1."""
        order_M, row_M = histories.order, histories.row
        last_N = np.append(order_M, -1)[histories.starts[1:] - 1]
        kept = last_N[row_M] - order_M < self._orders
        code_M, row_M, order_M, age_M = histories.code[kept], row_M[kept], order_M[kept], histories.age[kept]
        firsts_O = np.flatnonzero(np.diff(order_M, prepend=-1))
        size_O = np.diff(np.append(firsts_O, len(code_M)))
        item_VD = self._tensors["item_VD"]
        sum_OD = np.add.reduceat(item_VD[code_M], firsts_O) if len(firsts_O) else item_VD[:0]
        orders: dict[str, npt.NDArray[Any]] = {
            "orders": sum_OD * (self._rate / np.sqrt(size_O.astype(np.float32)))[:, None],
            "ages": age_buckets(age_M[firsts_O], len(self._tensors["encoder.age.weight"])),
            "sizes": size_buckets(size_O, len(self._tensors["encoder.size.weight"])),
        }
        return orders, np.searchsorted(row_M[firsts_O], np.arange(len(histories) + 1)).tolist()
