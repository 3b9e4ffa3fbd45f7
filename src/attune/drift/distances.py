"""How far apart two windows of a feature are, from their profiles alone."""

import numpy as np

from attune.drift.histograms import Histogram
from attune.drift.profile import LEAST_SPREAD, Floats, NumberGrid, Numbers

_EMPTY = 1e-4  # the share that an empty bin counts as, or the index would be infinite


def stability_index(histogram: Histogram) -> float:
    """The population stability index.

    >>> stability_index(Histogram(("low", "high"), np.array([50, 50]), np.array([50, 50])))
    0.0
    """
    reference, current = (_not_empty(side) for side in (histogram.reference, histogram.current))
    return float(((current - reference) * np.log(current / reference)).sum())


def jensen_shannon(histogram: Histogram) -> float:
    """The Jensen-Shannon distance: the root of the divergence in natural logarithms, at most that of log 2.

    >>> round(jensen_shannon(Histogram(("a", "b"), np.array([1, 0]), np.array([0, 1]))), 4)
    0.8326
    """
    reference, current = (side / side.sum() for side in (histogram.reference, histogram.current))
    middle = (reference + current) / 2
    divergence = (_relative_entropy(reference, middle) + _relative_entropy(current, middle)) / 2
    return float(np.sqrt(max(0.0, divergence)))


def wasserstein(grid: NumberGrid, reference: Numbers, current: Numbers) -> float | None:
    """By how many of the reference's standard deviations the values moved in the mean.

    The distribution functions are known at the edges of the grid and taken to be straight between them.

    Returns:
        The first Wasserstein distance over the deviation; None where a side has no finite value.
    """
    sides = [_distribution(grid, side) for side in (reference, current)]
    if sides[0] is None or sides[1] is None:
        return None
    places = np.union1d(sides[0][0], sides[1][0])
    gaps = [np.interp(places, x, f, left=0.0, right=1.0) for x, f in (sides[0], sides[1])]
    gap = np.abs(gaps[0] - gaps[1])
    moved = float(((gap[1:] + gap[:-1]) / 2 * np.diff(places)).sum())
    return moved / max(reference.deviation, LEAST_SPREAD)


def _distribution(grid: NumberGrid, side: Numbers) -> tuple[Floats, Floats] | None:
    """Where the distribution function is known, and its values there."""
    known = side.rows - side.missing
    if side.minimum is None or side.maximum is None or not known:
        return None
    edges = np.array(grid.edges)
    below = np.cumsum(side.counts[:-1]) / known
    ends = np.setdiff1d([side.minimum, side.maximum], edges)
    places = np.concatenate([edges, ends])
    values = np.concatenate([below, (ends == side.maximum).astype(np.float64)])
    order = np.argsort(places)
    return places[order], values[order]


def _relative_entropy(shares: Floats, middle: Floats) -> float:
    used = shares > 0
    return float((shares[used] * np.log(shares[used] / middle[used])).sum())


def _not_empty(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    shares: Floats = counts / max(1, int(counts.sum()))
    return np.where(shares == 0, _EMPTY, shares)
