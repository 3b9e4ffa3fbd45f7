"""What a history says about buying each of its items again, and what all histories say about each item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID
from attune.models.history import SECOND, Histories

# N examples, P pairs of an example and an item of its history, V items of the catalogue
Float32s = npt.NDArray[np.float32]

SCALES_IN_DAYS = (3.0, 7.0, 14.0, 30.0, 60.0, 120.0)
REPEAT_FEATURES = len(SCALES_IN_DAYS) + 8
CONTEXT_FEATURES = 6
ITEM_FEATURES = 4
_DAY = 86_400.0
_PRIOR_CUSTOMERS = 20.0  # an item's own habits count as much as this many customers' of the average item


@dataclass(frozen=True)
class Repeats:
    """Every item that each example has bought before, once.

    Attributes:
        starts: Where the pairs of each example begin, and the end of the last, shape [N + 1].
        row: The example of each pair, shape [P].
        code: The item of each pair, shape [P].
        features: When and how often it was bought, shape [P, REPEAT_FEATURES].
        context: How each example shops, shape [N, CONTEXT_FEATURES].
    """

    starts: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    code: npt.NDArray[np.int64]
    features: Float32s
    context: Float32s


def find_repeats(histories: Histories) -> Repeats:
    """Describe each item of each history: decayed counts at several time scales, recency and rhythm.

    All values are logarithms of days or counts, scaled to about the unit interval.
    """
    count = len(histories)
    base = int(histories.code.max(initial=0)) + 1
    keys, pair = np.unique(histories.row * base + histories.code, return_inverse=True)
    row, code = keys // base, keys % base
    starts = np.searchsorted(row, np.arange(count + 1))
    age, size = histories.age, len(keys)
    decayed = [np.bincount(pair, np.exp(-age / scale), size) for scale in SCALES_IN_DAYS]
    times = np.bincount(pair, minlength=size).astype(np.float64)
    # Ages fall along a history: the first place of a pair is its oldest purchase, the last its newest.
    newest, oldest = np.zeros(size), np.zeros(size)
    newest[pair] = age
    oldest[pair[::-1]] = age[::-1]
    orders, span, context = _shopping(histories, np.diff(starts))
    gap = (oldest - newest) / np.maximum(times - 1, 1)
    features = [
        *(np.log1p(4 * value) / 2 for value in decayed),
        np.log1p(times),
        np.log1p(newest) / 3,
        np.log1p(oldest) / 3,
        np.log1p(gap) / 3,
        np.where(times > 1, np.log((newest + 1) / (gap + 1)), 0.0) / 2,
        (times == 1).astype(np.float64),
        np.log(times / np.maximum(orders[row], 1) + 0.01) / 3,
        np.log(times / (np.minimum(span[row], oldest + 7) + 1) + 0.003) / 3,
    ]
    return Repeats(starts, row, code, np.stack(features, axis=1).astype(np.float32), context)


def item_features(purchases: pd.DataFrame, code: npt.NDArray[np.int64], size: int) -> Float32s:
    """Describe each item of the catalogue: how popular, how often bought again, and at what distance.

    Args:
        purchases: As `known_purchases` gives them.
        code: The item of each purchase; negative for one outside the catalogue.
        size: How many items the catalogue has.

    Returns:
        Shape [V, ITEM_FEATURES]. What few customers say about an item is drawn to what all say about all.
    """
    frame = pd.DataFrame({CUSTOMER_ID: purchases[CUSTOMER_ID], "code": code, SECOND: purchases[SECOND]})
    frame = frame[frame["code"] >= 0]
    habits = frame.groupby(["code", CUSTOMER_ID], sort=True)[SECOND].agg(["size", "min", "max"])
    items = habits.index.get_level_values("code").to_numpy()
    times = habits["size"].to_numpy(dtype=np.float64)
    days = (habits["max"] - habits["min"]).to_numpy() / _DAY
    customers = np.bincount(items, minlength=size)
    again = _shrunk(np.bincount(items, times > 1, size), customers)
    often = _shrunk(np.bincount(items, times - 1, size), customers)
    apart = _shrunk(np.bincount(items, days, size), customers) / np.maximum(often, 1e-6)
    popular = np.log1p(np.bincount(frame["code"], minlength=size))
    columns = [popular / 5 - 0.5, again * 2, np.log1p(often), np.log1p(apart) / 3]
    return np.stack(columns, axis=1).astype(np.float32)


def _shrunk(total: npt.NDArray[Any], customers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    mean = total.sum() / max(1, customers.sum())
    shrunk: npt.NDArray[np.float64] = (total + _PRIOR_CUSTOMERS * mean) / (customers + _PRIOR_CUSTOMERS)
    return shrunk


def _shopping(
    histories: Histories, distinct: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Float32s]:
    """Orders, days since the first purchase, and the context features of each example."""
    count, lengths = len(histories), histories.lengths
    first_of_order = np.unique(histories.order, return_index=True)[1]
    orders = np.bincount(histories.row[first_of_order], minlength=count)
    some = lengths > 0
    span, recency = np.zeros(count), np.zeros(count)
    span[some] = histories.age[histories.starts[:-1][some]]
    recency[some] = histories.age[histories.starts[1:][some] - 1]
    context = [recency, span, orders, distinct, lengths, 7 * orders / (span + 7)]
    stacked = np.stack([np.log1p(value) / 3 for value in context], axis=1).astype(np.float32)
    return orders.astype(np.float64), span, stacked
