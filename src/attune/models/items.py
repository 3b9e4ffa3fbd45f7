"""The items a recommender knows, in a fixed order, and the best of them for each customer."""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

from attune.errors import ModelError
from attune.models.base import Floats
from attune.models.history import UNKNOWN_ITEM, Histories

# N examples, V items of the catalogue, K recommendations
Scores = npt.NDArray[np.float32]
_ROWS_AT_ONCE = 64  # 64 rows of 20,000 scores are 5 MB


class Items:
    """A vocabulary: the code of an item is its place in it."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = np.asarray(ids, dtype=object)
        self._codes: dict[str | None, int] = {item: code for code, item in enumerate(ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def codes(self, items: Iterable[str | None]) -> npt.NDArray[np.int64]:
        """The code of each item; `UNKNOWN_ITEM` for one that is not in the vocabulary."""
        return np.fromiter(map(self._codes.get, items, repeat(UNKNOWN_ITEM)), dtype=np.int64)

    def mask(self, allowed: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Which items of the vocabulary are allowed, shape [V]."""
        mask = np.zeros(len(self), dtype=bool)
        codes = self.codes(allowed)
        mask[codes[codes >= 0]] = True
        return mask


def recommend_best(
    items: Items,
    scores: Callable[[Histories], Scores],
    histories: Histories,
    k: int,
    allowed: frozenset[str] | None,
    *,
    exclude_seen: bool,
) -> tuple[npt.NDArray[np.object_], Floats]:
    """Score the whole catalogue for each history and keep the k best that are allowed.

    Filters act before the best are taken, so that a filter never shortens a list that could be filled.

    Args:
        items: The catalogue.
        scores: Gives [N, V] scores for N histories; -inf where an item must not appear.
        histories: Of N examples, in codes of `items`.
        k: How many items.
        allowed: Only these may appear; None allows all.
        exclude_seen: Leave out what the history holds.

    Returns:
        Items and scores as `Recommender.recommend` promises them.

    Raises:
        ModelError: k is below 1.
    """
    if k < 1:
        raise ModelError(f"{k} recommendations were asked for, at least 1 is wanted")
    forbidden = None if allowed is None else ~items.mask(allowed)
    found_NK = np.full((len(histories), k), None, dtype=object)
    scores_NK = np.full((len(histories), k), -np.inf)
    width = min(k, len(items))
    by_length = np.argsort(histories.lengths, kind="stable")  # what is padded to the longest is padded little
    for start in range(0, len(histories), _ROWS_AT_ONCE):
        rows = by_length[start : start + _ROWS_AT_ONCE]
        part = histories.take(rows)
        scores_NV = np.array(scores(part), order="C")  # rows are looked through one by one
        if forbidden is not None:
            scores_NV[:, forbidden] = -np.inf
        if exclude_seen:
            scores_NV[part.row, part.code] = -np.inf
        best, best_scores = _best(scores_NV, width)
        kept = np.isfinite(best_scores)
        found = items.ids[best]
        found[~kept] = None
        found_NK[rows, :width] = found
        scores_NK[rows, :width] = np.where(kept, best_scores, -np.inf)
    return found_NK, scores_NK


def _best(scores_NV: Scores, k: int) -> tuple[npt.NDArray[np.int64], Scores]:
    """The codes and scores of the k best of each row, best first; of equals the smaller code.

    So the first ten of a longer list are the list of ten.
    """
    best_NK = np.empty((len(scores_NV), k), dtype=np.int64)
    if k:
        last_N = np.partition(scores_NV, -k, axis=1)[:, -k]  # far quicker than to partition places
        is_best_NV = scores_NV >= last_N[:, None]
        if np.count_nonzero(is_best_NV) == best_NK.size:
            best_NK = np.nonzero(is_best_NV)[1].reshape(best_NK.shape)
        else:  # some of the last are equal
            for scores_V, last, best_K in zip(scores_NV, last_N, best_NK, strict=True):
                above = np.flatnonzero(scores_V > last)
                best_K[: len(above)] = above
                best_K[len(above) :] = np.flatnonzero(scores_V == last)[: k - len(above)]
            best_NK.sort(axis=1)
    scores_NK = np.take_along_axis(scores_NV, best_NK, axis=1)
    order_NK = np.argsort(-scores_NK, axis=1, kind="stable")
    return np.take_along_axis(best_NK, order_NK, axis=1), np.take_along_axis(scores_NK, order_NK, axis=1)
