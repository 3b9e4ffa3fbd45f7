"""The exact best items of a catalogue for a query, found by screening all of them in eight bits.

The screening graph bounds the score of every item from above. The items with the highest bounds are scored in
full; when the last of the best lies above the bound of everything that was not looked at, the answer is
certain. Otherwise, which is counted, all items are scored in full. A small catalogue is at once.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from attune.inference.session import Graph

# V items, D embedding, C candidates, K best
Codes = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float32]

MIDDLE = 64  # what stands for 0 in a digit of a query
_DIGIT = MIDDLE - 1
_CANDIDATES = 256
_SPARE = 2  # candidates for each item asked for, where many are asked for
_SCREENED_ABOVE = 2**20  # what is smaller lies in a cache, and screening takes longer than it saves
_SHORTEST = 1e-12
_ROUNDING = float(np.finfo(np.float32).eps)


class Retriever:
    """Finds the best items by the inner product of a query and their vectors, plus an offset of each item."""

    def __init__(self, graph: Graph, item_VD: Vector, screened_above: int = _SCREENED_ABOVE) -> None:
        """Take a catalogue.

        Args:
            graph: Its screening graph.
            item_VD: The vector of each item, in single precision.
            screened_above: A table of no more numbers is scored in full at once.
        """
        self._graph, self._item_VD = graph, np.ascontiguousarray(item_VD)
        self._length_V = np.sqrt(np.einsum("vd,vd->v", item_VD, item_VD))
        self._longest = float(self._length_V.max(initial=0.0))
        self._is_screened = self._item_VD.size > screened_above
        self.uncertified = 0

    def __len__(self) -> int:
        return len(self._item_VD)

    def best(self, query_D: Vector, k: int, offset_V: Vector) -> tuple[Codes, Vector]:
        """The k best items, best first; of equals the smaller code.

        Args:
            query_D: What the items are compared with.
            k: How many; fewer come back where fewer are allowed.
            offset_V: What is added to the score of each item; -inf forbids it.

        Returns:
            Codes and scores, shape [K].
        """
        if not self._is_screened:
            return best_of(self._item_VD @ query_D + offset_V, k)
        count = min(len(self), max(_CANDIDATES, _SPARE * k))
        bounds_C, codes_C, spare = self._screen(query_D, count, offset_V)
        allowed = int(np.count_nonzero(bounds_C > -np.inf))
        codes_C = codes_C[:allowed]
        scores_C = self._item_VD[codes_C] @ query_D + offset_V[codes_C]
        codes_K, scores_K = sorted_best(codes_C, scores_C, k)
        if allowed < count or count == len(self):  # nothing was left out
            return codes_K, scores_K
        left_out = float(bounds_C[-1]) + spare
        if scores_K[-1] > left_out + 4 * _ROUNDING * abs(left_out):
            return codes_K, scores_K
        self.uncertified += 1
        return best_of(self._item_VD @ query_D + offset_V, k)

    def cosines(self, code: int) -> Vector:
        """How far each item points where one of them does, from -1 to 1, shape [V]."""
        lengths_V = np.maximum(self._length_V * self._length_V[code], _SHORTEST)
        cosines_V: Vector = self._item_VD @ self._item_VD[code] / lengths_V
        return cosines_V

    def _screen(self, query_D: Vector, count: int, offset_V: Vector) -> tuple[Vector, Codes, float]:
        """The highest bounds of the items' scores, whose they are, and how far scores may lie above them."""
        step = float(np.abs(query_D).max(initial=0.0)) / _DIGIT or 1.0
        fine = step / (2 * _DIGIT)
        high_D = np.rint(query_D / step)
        low_D = np.rint((query_D - high_D * step) / fine)
        length = float(np.linalg.norm(query_D))
        inputs: dict[str, npt.NDArray[Any]] = {
            "digits": (np.stack([high_D, low_D]) + MIDDLE).astype(np.uint8),
            "steps": np.array([[step, fine]], dtype=np.float32),
            "length": np.array([length], dtype=np.float32),
            "offset": offset_V,
            "count": np.array([count], dtype=np.int64),
        }
        bounds_1C, codes_1C = self._graph.run(inputs)
        # What the second digit rounds away of the query, and what single precision may round away of sums.
        lost = fine / 2 * len(query_D) ** 0.5 + 2 * len(query_D) * _ROUNDING * length
        return bounds_1C[0], codes_1C[0], lost * self._longest


def best_of(scores_V: Vector, k: int) -> tuple[Codes, Vector]:
    """Codes and scores of the k best items, best first, of equals the smaller code; -inf is no score."""
    k = min(k, int(np.count_nonzero(scores_V > -np.inf)))
    if k == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    last = np.partition(scores_V, len(scores_V) - k)[len(scores_V) - k]
    codes = np.flatnonzero(scores_V >= last)
    return sorted_best(codes, scores_V[codes], k)


def sorted_best(codes: Codes, scores: Vector, k: int) -> tuple[Codes, Vector]:
    """Some items and their scores, best first, of equals the smaller code; k of them at most."""
    order = np.lexsort((codes, -scores))[:k]
    return codes[order], scores[order]
