"""Everything that can be said about recommended lists, on request: it decides nothing."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from attune.columns import CUSTOMER_ID, HISTORY_ITEMS, LABEL
from attune.errors import DataError
from attune.evaluation.accuracy import ACCURACY, Recommended, find_hits
from attune.evaluation.bootstrap import (
    LEVEL,
    REPLICATES,
    Floats,
    Weights,
    cluster_weights,
    measured,
    weighted_means,
)
from attune.evaluation.results import Metric
from attune.evaluation.variety import (
    ItemFacts,
    coverage,
    diversity,
    miscalibration,
    novelty,
    popularity_bias,
)

LENGTHS = (10, 50, 100)


def report_lists(
    recommended: Recommended,
    examples: pd.DataFrame,
    facts: ItemFacts,
    lengths: Sequence[int] = LENGTHS,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Metric]:
    """Measure lists at several lengths: accuracy, coverage, novelty, diversity, popularity and calibration.

    Customers for whom a metric has no meaning (an empty history has no taste to be calibrated to) are left
    out of it. Coverage is a property of all lists together: it has no interval.

    Args:
        recommended: Items of N examples, best first, None where a list is shorter; shape [N, longest].
        examples: With customer, history and label.
        facts: What was known of the items.
        lengths: How many places count.
        replicates: How many times customers are drawn again.
        seed: The same seed draws the same customers.

    Returns:
        By name and length: `ndcg@10`, `novelty@50`.

    Raises:
        DataError: The lists are shorter than asked for.
    """
    if recommended.shape[1] < max(lengths):
        raise DataError(f"lists of {recommended.shape[1]} items cannot be measured at {max(lengths)}")
    weights = cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    found: dict[str, Metric] = {}
    for name, values in _per_row(recommended, examples, facts, lengths):
        found[name] = _metric(values, weights)
    for k in lengths:
        found[f"coverage@{k}"] = Metric(value=coverage(recommended[:, :k], examples))
    return found


def _per_row(
    recommended: Recommended, examples: pd.DataFrame, facts: ItemFacts, lengths: Sequence[int]
) -> Iterator[tuple[str, Floats]]:
    hits = find_hits(recommended, examples[LABEL].tolist())
    histories = examples[HISTORY_ITEMS].tolist()
    for k in lengths:
        shown = recommended[:, :k]
        for name, metric in ACCURACY.items():
            yield f"{name}@{k}", metric(hits.first(k))
        yield f"novelty@{k}", novelty(shown, facts)
        yield f"popularity_bias@{k}", popularity_bias(shown, facts)
        yield f"diversity@{k}", diversity(shown, facts.category)
        yield f"miscalibration@{k}", miscalibration(shown, histories, facts.category)


def _metric(values: Floats, weights: Weights) -> Metric:
    known = np.isfinite(values)
    if not known.any():
        return Metric.not_computed("it has no meaning for any of the examples")
    return measured(float(values[known].mean()), weighted_means(values[known], weights[:, known]), LEVEL)
