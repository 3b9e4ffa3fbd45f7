"""What recommended lists hit, and how high."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.errors import DataError
from attune.evaluation.bootstrap import Floats

# N examples, K recommendations of each
Recommended = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Hits:
    """Which places of N lists were bought.

    Attributes:
        places: 1 where an item was bought, an item shown twice once, shape [N, K].
        targets: How many different items each customer bought, shape [N].
    """

    places: Floats
    targets: npt.NDArray[np.int64]

    def first(self, k: int) -> "Hits":
        """The first k places of each list."""
        return Hits(self.places[:, :k], self.targets)


def find_hits(recommended: Recommended, bought: Sequence[Sequence[str]]) -> Hits:
    """Find which recommended items were bought.

    Args:
        recommended: Items of N examples, best first, None where a list is shorter; shape [N, K].
        bought: What each of them bought.
    """
    count, width = recommended.shape
    lengths = np.fromiter(map(len, bought), dtype=np.int64, count=len(bought))
    flat = np.array(list(chain.from_iterable(bought)), dtype=object)
    code, _ = pd.factorize(np.concatenate([recommended.ravel(), flat]))
    base = int(code.max(initial=0)) + 1
    shown, wanted = code[: count * width], code[count * width :]
    targets = np.unique((np.repeat(np.arange(count), lengths) * base + wanted)[wanted >= 0])
    shown_keys = np.repeat(np.arange(count), width) * base + shown
    hit = np.flatnonzero((shown >= 0) & np.isin(shown_keys, targets))
    once = np.unique(shown_keys[hit], return_index=True)[1]
    places = np.zeros(count * width)
    places[hit[once]] = 1.0
    return Hits(places.reshape(count, width), np.bincount(targets // base, minlength=count))


def ndcg(hits: Hits) -> Floats:
    """The discounted gain of each list, as a share of the best possible one, shape [N].

    An item bought is a gain of 1, discounted by log2(rank + 1) (Järvelin and Kekäläinen, 2002). The best
    possible list holds min(K, number of items bought) hits; all items bought count, known to the recommender
    or not. Who bought nothing has 0.

    >>> shown = np.array([["bread", "milk"], ["tea", None]], dtype=object)
    >>> ndcg(find_hits(shown, [["milk"], ["tea", "rice"]])).round(3)
    array([0.631, 0.613])
    """
    width = hits.places.shape[1]
    gain_K = 1 / np.log2(np.arange(width) + 2)
    best_K = np.concatenate([[np.inf], np.cumsum(gain_K)])
    gained: Floats = (hits.places @ gain_K) / best_K[np.minimum(hits.targets, width)]
    return gained


def recall(hits: Hits) -> Floats:
    """The share of the items bought that each list holds: hits / number of items bought, shape [N].

    Who bought more than K items cannot reach 1. Who bought nothing has 0.

    >>> shown = np.array([["bread", "milk"], ["tea", None]], dtype=object)
    >>> recall(find_hits(shown, [["milk"], ["tea", "rice"]]))
    array([1. , 0.5])
    """
    share: Floats = hits.places.sum(axis=1) / np.maximum(hits.targets, 1)
    return share


def reciprocal_rank(hits: Hits) -> Floats:
    """1 / rank of the first hit, 0 without one, shape [N]; its mean is MRR.

    >>> reciprocal_rank(find_hits(np.array([["bread", "milk"]], dtype=object), [["milk"]]))
    array([0.5])
    """
    rank_N = hits.places.argmax(axis=1) + 1
    reciprocal: Floats = hits.places.max(axis=1, initial=0.0) / rank_N
    return reciprocal


def average_precision(hits: Hits) -> Floats:
    """The mean of the precision at each hit, over min(K, number of items bought), shape [N]; its mean is MAP.

    >>> shown = np.array([["milk", "rice", "tea"]], dtype=object)
    >>> average_precision(find_hits(shown, [["milk", "tea"]])).round(3)
    array([0.833])
    """
    width = hits.places.shape[1]
    precision_NK = hits.places.cumsum(axis=1) / np.arange(1, width + 1)
    possible_N = np.clip(hits.targets, 1, width)
    average: Floats = (precision_NK * hits.places).sum(axis=1) / possible_N
    return average


ACCURACY: dict[str, Callable[[Hits], Floats]] = {
    "ndcg": ndcg,
    "recall": recall,
    "mrr": reciprocal_rank,
    "map": average_precision,
}


def accuracy(metric: str, recommended: Recommended, bought: Sequence[Sequence[str]]) -> Floats:
    """One metric of each list, shape [N].

    Args:
        metric: A name of `ACCURACY` and a length: `ndcg@10`.
        recommended: At least so many items for each of N examples, shape [N, K].
        bought: What each of them bought.

    Raises:
        DataError: There is no such metric, or the lists are shorter.
    """
    name, _, length = metric.partition("@")
    if name not in ACCURACY or not length.isdecimal() or not int(length):
        raise DataError(f"no metric {metric!r}; wanted is one of {sorted(ACCURACY)} with a length: ndcg@10")
    if int(length) > recommended.shape[1]:
        raise DataError(f"{metric} was asked of lists of {recommended.shape[1]} items; recommend {length}")
    return ACCURACY[name](find_hits(recommended[:, : int(length)], bought))
