"""How good recommended lists are: what they hit, how high, how varied, and for whom."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID, HISTORY_ITEMS, LABEL
from attune.evaluation.bootstrap import (
    LEVEL,
    REPLICATES,
    Floats,
    Weights,
    cluster_weights,
    measured,
    paired_difference,
    weighted_means,
)
from attune.evaluation.results import Difference, Evaluation, Metric, SliceResult
from attune.evaluation.slices import groups

# N examples, K recommendations of each, R replicates
Recommended = npt.NDArray[np.object_]

K = 10
NDCG, RECALL, COVERAGE = f"ndcg@{K}", f"recall@{K}", f"coverage@{K}"
METRICS = (NDCG, RECALL, COVERAGE)
FEWEST_ROWS = 100


def evaluate_recommender(
    recommended: Recommended,
    examples: pd.DataFrame,
    seconds: float = 0.0,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
    min_rows: int = FEWEST_ROWS,
) -> Evaluation:
    """Measure recommended lists against what was bought, for everybody and by slice, with intervals.

    Coverage is a property of all lists together: it has no interval.

    Args:
        recommended: The items of N examples, best first, None where a list is shorter; shape [N, 10].
        examples: With customer, label, and the columns of the slices.
        seconds: How long recommending took, for the record.
        replicates: How many times customers are drawn again.
        level: How sure the intervals are.
        seed: The same seed draws the same customers.
        min_rows: On fewer rows nothing is computed.
    """
    if len(examples) < min_rows:
        missing = Metric.not_computed(_too_few(len(examples), min_rows))
        return Evaluation(metrics=dict.fromkeys(METRICS, missing), seconds=seconds)
    weights = cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    values = {name: _values(recommended, examples, name) for name in (NDCG, RECALL)}
    metrics = {
        name: measured(float(value.mean()), weighted_means(value, weights), level)
        for name, value in values.items()
    }
    metrics[COVERAGE] = Metric(value=coverage(recommended, examples))
    slices = _slices(values[NDCG], examples, weights, level, min_rows)
    return Evaluation(metrics=metrics, slices=list(slices), seconds=seconds)


def compare_recommenders(
    a: tuple[str, Recommended],
    b: tuple[str, Recommended],
    examples: pd.DataFrame,
    metric: str = NDCG,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
    min_rows: int = FEWEST_ROWS,
) -> Difference:
    """Compare two recommenders on the same examples, by NDCG or recall.

    Args:
        a: Name and lists of the one that may be better.
        b: Name and lists of the one it is compared with.
        examples: With customer and label.
        metric: `ndcg@10` or `recall@10`.
        replicates: How many times customers are drawn again.
        level: How sure the interval is.
        seed: The same seed draws the same customers.
        min_rows: On fewer rows nothing is computed.
    """
    if len(examples) < min_rows:
        reason = _too_few(len(examples), min_rows)
        return Difference(a=a[0], b=b[0], metric=metric, level=level, reason=reason)
    weights = cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    values = [_values(lists, examples, metric) for _, lists in (a, b)]
    drawn = [weighted_means(value, weights) for value in values]
    means = float(values[0].mean()), float(values[1].mean())
    return paired_difference(a[0], b[0], metric, means, (drawn[0], drawn[1]), level)


def ndcg(recommended: Recommended, bought: Sequence[Sequence[str]]) -> Floats:
    """The discounted gain of each list, as a share of the best possible one, shape [N].

    An item bought is a gain of 1, discounted by log2(rank + 1) (Järvelin and Kekäläinen, 2002). The best
    possible list holds min(K, number of items bought) hits; all items bought count, known to the recommender
    or not. Who bought nothing has 0.

    >>> ndcg(np.array([["bread", "milk"], ["tea", None]], dtype=object), [["milk"], ["tea", "rice"]]).round(3)
    array([0.631, 0.613])
    """
    gain_K = 1 / np.log2(np.arange(recommended.shape[1]) + 2)
    best_K = np.concatenate([[np.inf], np.cumsum(gain_K)])
    targets_N = np.array([len(set(items)) for items in bought], dtype=np.int64)
    best_N = best_K[np.minimum(targets_N, recommended.shape[1])]
    gained: Floats = (_hits(recommended, bought) @ gain_K) / best_N
    return gained


def recall(recommended: Recommended, bought: Sequence[Sequence[str]]) -> Floats:
    """The share of the items bought that each list holds: hits / number of items bought, shape [N].

    Who bought more than K items cannot reach 1. Who bought nothing has 0.

    >>> recall(np.array([["bread", "milk"], ["tea", None]], dtype=object), [["milk"], ["tea", "rice"]])
    array([1. , 0.5])
    """
    targets_N = np.array([len(set(items)) for items in bought], dtype=np.float64)
    share: Floats = _hits(recommended, bought).sum(axis=1) / np.maximum(targets_N, 1.0)
    return share


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


def _values(recommended: Recommended, examples: pd.DataFrame, metric: str) -> Floats:
    return {NDCG: ndcg, RECALL: recall}[metric](recommended[:, :K], examples[LABEL].tolist())


def _hits(recommended: Recommended, bought: Sequence[Sequence[str]]) -> Floats:
    """Whether each place of each list was bought; an item shown twice hits once. Shape [N, K]."""
    hits_NK = np.zeros(recommended.shape)
    for row, (shown, items) in enumerate(zip(recommended, bought, strict=True)):
        left = set(items)
        for place, item in enumerate(shown):
            if item in left:
                hits_NK[row, place] = 1.0
                left.remove(item)
    return hits_NK


def _slices(
    values: Floats, examples: pd.DataFrame, weights: Weights, level: float, min_rows: int
) -> Iterator[SliceResult]:
    for group in groups(examples):
        count = int(group.rows.sum())
        if count < min_rows:
            found = Metric.not_computed(_too_few(count, min_rows))
        else:
            inside = values[group.rows]
            found = measured(float(inside.mean()), weighted_means(inside, weights[:, group.rows]), level)
        yield SliceResult(slice=group.slice, group=group.name, rows=count, metric=NDCG, **found.model_dump())


def _too_few(rows: int, min_rows: int) -> str:
    return f"{rows} rows, fewer than the {min_rows} needed"
