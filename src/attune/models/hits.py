"""How often recommended items were bought, by which simple models choose their few settings."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

TEN = 10


def hit_rate(found: npt.NDArray[np.object_], bought: Iterable[Sequence[str]]) -> float:
    """The mean share of the first ten recommendations that were bought; 0 where nobody bought anything.

    Who bought fewer than ten items can at best be hit that often.

    Args:
        found: Recommended items of N examples, best first, shape [N, 10].
        bought: What each of them bought.

    >>> hit_rate(np.array([["bread", "milk", "tea"]]), [["milk", "rice"]])
    0.5
    """
    rates = [
        len(set(row) & set(items)) / min(TEN, len(set(items)))
        for row, items in zip(found, bought, strict=True)
        if len(items)
    ]
    return float(np.mean(rates)) if rates else 0.0


def list_gain(found: npt.NDArray[np.object_], bought: Iterable[Sequence[str]]) -> float:
    """The mean NDCG of the first ten recommendations, like `hit_rate` but the earlier a hit the better.

    >>> list_gain(np.array([["bread", "milk", "tea"]]), [["bread"]])
    1.0
    """
    gains = [
        sum(1 / np.log2(place + 2) for place, item in enumerate(row[:TEN]) if item in set(items))
        / sum(1 / np.log2(place + 2) for place in range(min(TEN, len(set(items)))))
        for row, items in zip(found, bought, strict=True)
        if len(items)
    ]
    return float(np.mean(gains)) if gains else 0.0
