"""Confidence intervals by resampling whole customers.

A customer may appear at several as-of dates; rows of one customer are not independent, so they are drawn
together (the clustered bootstrap of Field and Welsh, 2007). Two models are compared on the same draws.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.evaluation.results import Difference, Metric

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.uint8]

REPLICATES = 1000
LEVEL = 0.95
_CELLS_AT_ONCE = 500_000  # 4 MB of float64, whatever the number of rows: it stays in the cache


def cluster_weights(customers: pd.Series, replicates: int = REPLICATES, seed: int = 0) -> Weights:
    """Draw customers with replacement, many times.

    Args:
        customers: The customer of each of N rows.
        replicates: How many draws R.
        seed: The same seed gives the same draws.

    Returns:
        How often each row is drawn in each replicate, shape [R, N]; all rows of a customer share one number.
    """
    customer_N, names = pd.factorize(customers)
    draw = np.random.default_rng(seed)
    times_RC = np.empty((replicates, len(names)), dtype=np.uint8)
    for times_C in times_RC:
        drawn = draw.integers(len(names), size=len(names))
        times_C[:] = np.bincount(drawn, minlength=len(names))
    return times_RC[:, customer_N]


def chunks(weights: Weights) -> Iterator[Floats]:
    """Give the replicates in pieces of bounded memory, as floats, shape [up to R, N]."""
    size = max(1, _CELLS_AT_ONCE // max(1, weights.shape[1]))
    for start in range(0, len(weights), size):
        yield weights[start : start + size].astype(np.float64)


def weighted_means(values: Floats, weights: Weights) -> Floats:
    """The mean of a value per row in every replicate: [N] and [R, N] give [R]; nan where nothing was drawn.

    >>> weighted_means(np.array([1.0, 3.0]), np.array([[1, 1], [2, 0]], dtype=np.uint8)).tolist()
    [2.0, 1.0]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [weights_RN @ values / weights_RN.sum(axis=1) for weights_RN in chunks(weights)]
    return np.concatenate(means)


def interval(values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
    """The percentile interval of a metric over its replicates.

    Args:
        values: The metric in each replicate, shape [R]; nan where a draw left nothing to measure.
        level: How sure to be.

    Returns:
        Low and high end; None where fewer than nine in ten replicates could be measured.
    """
    known = values[np.isfinite(values)]
    if len(known) == 0 or len(known) < 0.9 * len(values):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def measured(value: float, values: Floats, level: float = LEVEL) -> Metric:
    """Put a value and its replicates into a metric."""
    ends = interval(values, level)
    if not np.isfinite(value) or ends is None:
        return Metric.not_computed("too few rows of one kind to measure it in every replicate")
    return Metric(value=float(value), low=ends[0], high=ends[1])


def paired_difference(
    a: str,
    b: str,
    metric: str,
    values: tuple[float, float],
    replicates: tuple[Floats, Floats],
    level: float = LEVEL,
) -> Difference:
    """Compare two models on the same rows and the same draws.

    Args:
        a: The name of the model that may be better.
        b: The name of the model it is compared with.
        metric: What was measured, where more is better.
        values: The metric of a and of b on all rows.
        replicates: The metric of a and of b in each replicate of the same weights, shape [R] each.
        level: How sure to be.
    """
    found = measured(values[0] - values[1], replicates[0] - replicates[1], level)
    return Difference(
        a=a,
        b=b,
        metric=metric,
        mean=found.value,
        low=found.low,
        high=found.high,
        level=level,
        reason=found.reason,
    )
