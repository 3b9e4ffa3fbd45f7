"""How good recommended lists are: what they hit, how high, how varied, and for whom."""

from collections.abc import Iterator

import pandas as pd

from attune.columns import CUSTOMER_ID, LABEL
from attune.evaluation.accuracy import Recommended, accuracy
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
from attune.evaluation.variety import coverage

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
    bought = examples[LABEL].tolist()
    values = {name: accuracy(name, recommended, bought) for name in (NDCG, RECALL)}
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
    """Compare two recommenders on the same examples, by one metric of accuracy.

    Args:
        a: Name and lists of the one that may be better.
        b: Name and lists of the one it is compared with.
        examples: With customer and label.
        metric: `ndcg@10`, `recall@50`, `mrr@10`, `map@100` and so on: as long as the lists are.
        replicates: How many times customers are drawn again.
        level: How sure the interval is.
        seed: The same seed draws the same customers.
        min_rows: On fewer rows nothing is computed.
    """
    if len(examples) < min_rows:
        reason = _too_few(len(examples), min_rows)
        return Difference(a=a[0], b=b[0], metric=metric, level=level, reason=reason)
    weights = cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    values = [accuracy(metric, lists, examples[LABEL].tolist()) for _, lists in (a, b)]
    drawn = [weighted_means(value, weights) for value in values]
    means = float(values[0].mean()), float(values[1].mean())
    return paired_difference(a[0], b[0], metric, means, (drawn[0], drawn[1]), level)


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
