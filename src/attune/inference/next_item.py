"""Next-item networks without torch: what their graph is told of a customer."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.inference.order_buckets import place_buckets
from attune.inference.recommending import GraphRecommender, Judgement
from attune.inference.retrieval import Retriever
from attune.inference.session import Graph
from attune.models.base import Tensors
from attune.models.history import Histories
from attune.models.items import Items
from attune.models.time_buckets import time_buckets

_NOTHING = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)


class GraphNextItem(GraphRecommender):
    """`Transformer` or `Gru4Rec`: all items by the state after the latest interactions."""

    def __init__(
        self, graph: Graph, retriever: Retriever, items: Items, tensors: Tensors, config: Mapping[str, Any]
    ) -> None:
        """Take what a version's folder holds; see `GraphRecommender`."""
        super().__init__(graph, retriever, items, tensors, config)
        self._length = int(config["length"])
        self._is_absolute = config.get("positions") == "absolute"
        self._is_timed = bool(config.get("times"))

    def _judge_each(self, histories: Histories) -> Iterator[Judgement]:
        return (self._judge(histories.rows(row, row + 1)) for row in range(len(histories)))

    def _judge(self, history: Histories) -> Judgement:
        item_VD = self._tensors["item_VD"]
        code_L = history.code[-self._length :]
        if not len(code_L):  # then items are as likely as they are popular
            return Judgement(np.zeros(item_VD.shape[1], dtype=np.float32), *_NOTHING)
        before_L = np.arange(len(history.code) - len(code_L), len(history.code))
        place_L = before_L - before_L[0] if self._is_absolute else place_buckets(before_L)
        inputs = {"items": item_VD[code_L], "places": place_L}
        if self._is_timed:
            inputs |= _times(history.age[-len(code_L) :].astype(np.float32))
        (state_1D,) = self._graph.run(inputs)
        return Judgement(state_1D[0], *_NOTHING)


def _times(age_L: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """The pause after each interaction, and how long before what each is asked about every other was."""
    asked_L = np.append(age_L[1:], np.float32(0))  # the last one is asked about now
    gap_LL = age_L - asked_L[:, None]
    return {"pauses": time_buckets(age_L - asked_L), "gaps": time_buckets(gap_LL.ravel())}
