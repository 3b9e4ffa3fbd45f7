"""What follows when a probability above a threshold counts as a yes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from attune.errors import DataError
from attune.evaluation.bootstrap import LEVEL, Floats, Weights, measured, weighted_means
from attune.evaluation.results import Metric


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the value of what it was chosen for on the rows it was chosen by."""

    at: float
    value: float


def precision(hits: Floats, said: Floats, there: Floats) -> Floats:  # noqa: ARG001, all metrics are asked alike
    """Of those that got a yes, how many were right; 0 where nobody got one."""
    return np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)


def recall(hits: Floats, said: Floats, there: Floats) -> Floats:  # noqa: ARG001
    """Of those that should have got a yes, how many did."""
    return np.divide(hits, there, out=np.zeros_like(hits), where=there > 0)


def f1(hits: Floats, said: Floats, there: Floats) -> Floats:
    """The harmonic mean of precision and recall."""
    return np.divide(2 * hits, said + there, out=np.zeros_like(hits), where=said + there > 0)


DECISION_METRICS: Mapping[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "precision": precision,
    "recall": recall,
    "f1": f1,
}


def best_threshold(scores: Floats, labels: Floats, metric: str = "f1") -> Threshold:
    """The threshold that reaches the most of a metric on held-out rows.

    It lies half way between the scores that it parts, so that a small change of a score decides nothing.

    Args:
        scores: Probabilities, shape [N], by models that have not seen these rows.
        labels: What happened, 0 or 1, shape [N].
        metric: "f1", or "precision" or "recall", each of which alone is easily fooled.

    Raises:
        DataError: There are no rows, or nobody has label 1.
    """
    if not labels.any():
        raise DataError(f"none of {len(labels)} rows has label 1: no threshold can be chosen; take more rows")
    order_N = np.argsort(-scores, kind="stable")
    sorted_N = scores[order_N]
    hits_N, said_N = labels[order_N].cumsum(), np.arange(1.0, len(labels) + 1)
    value_N = DECISION_METRICS[metric](hits_N, said_N, np.full_like(said_N, labels.sum()))
    value_N[:-1][sorted_N[:-1] == sorted_N[1:]] = -1.0  # equal scores are never parted
    best = int(value_N.argmax())
    below = sorted_N[best + 1] if best + 1 < len(sorted_N) else 0.0
    return Threshold(at=float((sorted_N[best] + below) / 2), value=float(value_N[best]))


def measure_decisions(
    decisions: np.ndarray, labels: Floats, weights: Weights, level: float = LEVEL
) -> dict[str, Metric]:
    """Accuracy, precision, recall and F1 of N decisions, with intervals.

    Args:
        decisions: Whether each row got a yes, shape [N].
        labels: What happened, 0 or 1, shape [N].
        weights: How often each row is drawn in each replicate, shape [R, N].
        level: How sure the intervals are.
    """
    said = np.asarray(decisions, dtype=np.float64)
    once = np.ones((1, len(labels)), dtype=np.uint8)
    found = {}
    for name, value_of in {"accuracy": None, **DECISION_METRICS}.items():
        value, drawn = (_value(value_of, said, labels, counts) for counts in (once, weights))
        found[name] = measured(float(value[0]), drawn, level)
    return found


def _value(
    value_of: Callable[[Floats, Floats, Floats], Floats] | None,
    said: Floats,
    labels: Floats,
    weights: Weights,
) -> Floats:
    if value_of is None:
        return weighted_means((said == labels).astype(np.float64), weights)
    hits, asked, there = (weighted_means(each, weights) for each in (said * labels, said, labels))
    return value_of(hits, asked, there)
