"""How good a scorer's probabilities are: their order, their size, and for whom."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from attune.columns import AGE_BAND, CUSTOMER_ID, INCOME_BAND, LABEL
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
from attune.evaluation.calibration import calibration_errors, calibration_table, without_bias
from attune.evaluation.fairness import rates_by_group
from attune.evaluation.ranks import RANK_METRICS, rank_metrics
from attune.evaluation.results import Difference, Evaluation, Metric, SliceResult
from attune.evaluation.slices import groups

LOG_LOSS, BRIER, ECE = "log_loss", "brier", "ece"
METRICS = (*RANK_METRICS, LOG_LOSS, BRIER, ECE)
SLICE_METRIC = "roc_auc"
FEWEST_ROWS = 100
FEWEST_OF_A_LABEL = 20
_SUREST = 1e-15  # a probability of 0 or 1 that turns out wrong costs much, but not infinitely much


def evaluate_scorer(
    scores: Floats,
    examples: pd.DataFrame,
    seconds: float = 0.0,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
    min_rows: int = FEWEST_ROWS,
) -> Evaluation:
    """Measure probabilities against what happened, for everybody and by slice, with intervals.

    Args:
        scores: Probabilities of N examples, shape [N].
        examples: With customer, label, and the columns of the slices.
        seconds: How long scoring took, for the record.
        replicates: How many times customers are drawn again.
        level: How sure the intervals are.
        seed: The same seed draws the same customers.
        min_rows: On fewer rows nothing is computed.
    """
    labels = examples[LABEL].to_numpy(dtype=np.float64)
    reason = obstacle(labels, min_rows)
    if reason:
        missing = Metric.not_computed(reason)
        return Evaluation(metrics=dict.fromkeys(METRICS, missing), seconds=seconds)
    weights = cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    slices = _slices(scores, labels, examples, weights, level, min_rows)
    people = [name for name in (AGE_BAND, INCOME_BAND) if name in examples]
    found = rates_by_group(scores, examples, people, replicates=replicates, level=level, seed=seed)
    return Evaluation(
        metrics=_metrics(scores, labels, weights, level),
        slices=[*slices, *found],
        calibration=calibration_table(scores, labels),
        seconds=seconds,
    )


def compare_scorers(
    a: tuple[str, Floats],
    b: tuple[str, Floats],
    examples: pd.DataFrame,
    metric: str,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
    min_rows: int = FEWEST_ROWS,
) -> Difference:
    """Say how much more of a metric one scorer reaches than another on the same examples.

    Args:
        a: Name and probabilities of the one that may be better, shape [N].
        b: Name and probabilities of the one it is compared with, shape [N].
        examples: With customer and label.
        metric: One of `METRICS`.
        replicates: How many times customers are drawn again, the same for both.
        level: How sure the interval is.
        seed: The same seed draws the same customers.
        min_rows: On fewer rows nothing is computed.
    """
    labels = examples[LABEL].to_numpy(dtype=np.float64)
    reason = obstacle(labels, min_rows)
    if reason:
        return Difference(a=a[0], b=b[0], metric=metric, level=level, reason=reason)
    once, weights = _once(labels), cluster_weights(examples[CUSTOMER_ID], replicates, seed)
    values = [float(_replicates(scores, labels, once, metric)[0]) for scores in (a[1], b[1])]
    drawn = [_replicates(scores, labels, weights, metric) for scores in (a[1], b[1])]
    return paired_difference(a[0], b[0], metric, (values[0], values[1]), (drawn[0], drawn[1]), level)


def _metrics(scores: Floats, labels: Floats, weights: Weights, level: float) -> dict[str, Metric]:
    values, drawn = (_all(scores, labels, counts) for counts in (_once(labels), weights))
    drawn[ECE] = without_bias(float(values[ECE][0]), drawn[ECE])
    return {name: measured(float(values[name][0]), drawn[name], level) for name in METRICS}


def _all(scores: Floats, labels: Floats, weights: Weights) -> dict[str, Floats]:
    return rank_metrics(scores, labels, weights) | {
        name: _replicates(scores, labels, weights, name) for name in (LOG_LOSS, BRIER, ECE)
    }


def _replicates(scores: Floats, labels: Floats, weights: Weights, metric: str) -> Floats:
    """One metric in every replicate, shape [R]."""
    if metric == LOG_LOSS:
        said = np.clip(np.where(labels == 1, scores, 1 - scores), _SUREST, 1)
        return weighted_means(-np.log(said), weights)
    if metric == BRIER:
        return weighted_means((scores - labels) ** 2, weights)
    if metric == ECE:
        return calibration_errors(scores, labels, weights)
    return rank_metrics(scores, labels, weights, (metric,))[metric]


def _slices(
    scores: Floats, labels: Floats, examples: pd.DataFrame, weights: Weights, level: float, min_rows: int
) -> Iterator[SliceResult]:
    for group in groups(examples):
        inside = group.rows
        reason = obstacle(labels[inside], min_rows)
        if reason:
            found = Metric.not_computed(reason)
        else:
            value = _replicates(scores[inside], labels[inside], _once(labels[inside]), SLICE_METRIC)
            drawn = _replicates(scores[inside], labels[inside], weights[:, inside], SLICE_METRIC)
            found = measured(float(value[0]), drawn, level)
        yield SliceResult(
            slice=group.slice,
            group=group.name,
            rows=int(inside.sum()),
            metric=SLICE_METRIC,
            **found.model_dump(),
        )


def obstacle(labels: Floats, min_rows: int) -> str | None:
    """Why nothing can be measured of examples with these labels, or None.

    Args:
        labels: 0 or 1, shape [N].
        min_rows: How many rows there must be.
    """
    if len(labels) < min_rows:
        return f"{len(labels)} rows, fewer than the {min_rows} needed"
    for label in (0, 1):
        count = int((labels == label).sum())
        if count < FEWEST_OF_A_LABEL:
            return (
                f"{count} of {len(labels)} rows have label {label}, fewer than the {FEWEST_OF_A_LABEL} needed"
            )
    return None


def _once(labels: Floats) -> Weights:
    return np.ones((1, len(labels)), dtype=np.uint8)
