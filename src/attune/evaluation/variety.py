"""What else matters of recommended lists: how varied, how new, how fair to items and tastes.

Sources: novelty is the mean self-information of Zhou and others (2010); diversity within a list goes back to
Ziegler and others (2005); calibration is Steck, "Calibrated recommendations", 2018.
"""

# N examples, K recommendations of each, C categories, V items

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID, HISTORY_ITEMS, ITEM_ID, LABEL
from attune.config import Settings
from attune.evaluation.accuracy import Recommended
from attune.evaluation.bootstrap import Floats
from attune.models.history import known_purchases

_MIXED = 0.01  # Steck's share of the history in what was shown: no category has a chance of 0


@dataclass(frozen=True)
class ItemFacts:
    """What was known of the items before anything was recommended.

    Attributes:
        buyers: By item: how many customers had bought it; an item that is not in it had none.
        customers: How many customers there were.
        category: By item, where it has one.
    """

    buyers: pd.Series
    customers: int
    category: pd.Series


class GroupExposure(Settings):
    """How much one group of items is shown, bought and there, each as a share of all groups."""

    group: str
    exposure: float
    bought: float
    items: float


def item_facts(train: pd.DataFrame, category: pd.Series) -> ItemFacts:
    """Count who bought what in the training examples.

    Args:
        train: Examples that teach.
        category: The category of each item, by its id.
    """
    purchases = known_purchases(train).drop_duplicates([CUSTOMER_ID, ITEM_ID])
    return ItemFacts(purchases[ITEM_ID].value_counts(), purchases[CUSTOMER_ID].nunique(), category)


def coverage(recommended: Recommended, examples: pd.DataFrame) -> float:
    """How many items all lists together show, as a share of all items that the examples know.

    The items of the examples are those in a history or in a label: the same for every recommender,
    however small the catalogue it has learnt.
    """
    # A customer without a history as of the date has none instead of an empty one.
    lists = [*examples[HISTORY_ITEMS].dropna(), *examples[LABEL]]
    known = {item for items in lists for item in items}
    shown = {item for item in recommended.ravel() if item is not None}
    return len(shown & known) / max(1, len(known))


def novelty(recommended: Recommended, facts: ItemFacts) -> Floats:
    """The mean of -log2(share of customers who had bought it) over each list, in bits, shape [N].

    What nobody had bought counts as bought by one. nan for an empty list.
    """
    buyers_NK, shown_NK = _looked_up(recommended, facts.buyers)
    bits_NK = np.log2(max(1, facts.customers)) - np.log2(np.maximum(buyers_NK, 1.0))
    return _mean(bits_NK, shown_NK)


def popularity_bias(recommended: Recommended, facts: ItemFacts) -> Floats:
    """The mean popularity percentile of each list, shape [N]: 1 is the most bought item, ties share a place.

    What nobody had bought has 0. nan for an empty list.
    """
    place = facts.buyers.rank(pct=True)
    return _mean(*_looked_up(recommended, place))


def diversity(recommended: Recommended, category: pd.Series) -> Floats:
    """The share of the pairs in each list that are of different categories, shape [N].

    Items without a category do not count. nan where fewer than two are left.
    """
    count_NC = _by_category(recommended.tolist(), category)
    size_N = count_NC.sum(axis=1)
    same_N = (count_NC * (count_NC - 1)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        different: Floats = 1 - same_N / (size_N * (size_N - 1))
    return np.where(size_N > 1, different, np.nan)


def miscalibration(
    recommended: Recommended, histories: Sequence[Sequence[str] | None], category: pd.Series
) -> Floats:
    """How far the categories of each list are from those of the history, shape [N]; 0 is calibrated.

    The Kullback-Leibler divergence, in nats, of the shares in the list, mixed with a hundredth of the
    history, from the shares in the history. nan where a list or a history has no item with a category.
    """
    history_NC = _by_category([() if items is None else items for items in histories], category)
    shown_NC = _by_category(recommended.tolist(), category)
    known_N = (history_NC.sum(axis=1) > 0) & (shown_NC.sum(axis=1) > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted_NC = history_NC / history_NC.sum(axis=1, keepdims=True)
        found_NC = shown_NC / shown_NC.sum(axis=1, keepdims=True)
        ratio_NC = wanted_NC / ((1 - _MIXED) * found_NC + _MIXED * wanted_NC)
        parts_NC = np.where(wanted_NC > 0, wanted_NC * np.log(ratio_NC), 0.0)
    return np.where(known_N, parts_NC.sum(axis=1), np.nan)


def exposure(
    recommended: Recommended, bought: Sequence[Sequence[str]], group: pd.Series
) -> list[GroupExposure]:
    """How much attention each group of items gets, beside what was bought and what there is.

    A place gives attention 1 / log2(rank + 1), as in NDCG.

    Args:
        recommended: Items of N examples, best first, shape [N, K].
        bought: What each of them bought.
        group: The group of each item, by its id; other items do not count.

    Returns:
        One line a group, sorted by name.
    """
    attention_K = 1 / np.log2(np.arange(recommended.shape[1]) + 2)
    code, names = pd.factorize(group, sort=True)
    shown = _codes(recommended.ravel(), pd.Series(code, index=group.index))
    wanted = _codes(np.array(list(chain.from_iterable(bought)), dtype=object), pd.Series(code, group.index))
    shares = [
        _shares(shown, np.tile(attention_K, len(recommended)), len(names)),
        _shares(wanted, np.ones(len(wanted)), len(names)),
        _shares(code, np.ones(len(code)), len(names)),
    ]
    return [
        GroupExposure(group=str(name), exposure=float(shown), bought=float(sold), items=float(there))
        for name, shown, sold, there in zip(names, *shares, strict=True)
    ]


def _shares(code: npt.NDArray[np.int64], weight: Floats, size: int) -> Floats:
    total = np.bincount(code[code >= 0], weight[code >= 0], minlength=size)
    shares: Floats = total / max(total.sum(), 1e-12)
    return shares


def _codes(items: npt.NDArray[np.object_], code: pd.Series) -> npt.NDArray[np.int64]:
    place = code.index.get_indexer(pd.Index(items, dtype=object))
    found: npt.NDArray[np.int64] = np.where(place >= 0, code.to_numpy()[place] if len(code) else -1, -1)
    return found


def _looked_up(recommended: Recommended, values: pd.Series) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The value of each item, 0 where it has none, and which places show an item; both shape [N, K]."""
    place = values.index.get_indexer(pd.Index(recommended.ravel(), dtype=object))
    padded = np.append(values.to_numpy(dtype=np.float64), 0.0)
    return padded[place].reshape(recommended.shape), ~pd.isna(recommended)


def _mean(values_NK: Floats, shown_NK: npt.NDArray[np.bool_]) -> Floats:
    with np.errstate(invalid="ignore"):
        mean: Floats = (values_NK * shown_NK).sum(axis=1) / shown_NK.sum(axis=1)
    return mean


def _by_category(lists: Sequence[Sequence[Any]], category: pd.Series) -> Floats:
    """How many items of each category each list holds, shape [N, C]."""
    code, names = pd.factorize(category, sort=True)
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    items = np.array(list(chain.from_iterable(lists)), dtype=object)
    found = _codes(items, pd.Series(code, index=category.index))
    row = np.repeat(np.arange(len(lists)), lengths)[found >= 0]
    size = len(names)
    counts = np.bincount(row * size + found[found >= 0], minlength=len(lists) * size)
    return counts.reshape(len(lists), size).astype(np.float64)
