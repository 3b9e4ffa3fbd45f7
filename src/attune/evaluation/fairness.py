"""How decisions fall upon groups of people, with intervals computed from counts alone.

A decision and what happened leave four counts a group. Drawing N people again is drawing those counts from a
multinomial distribution, so thousands of replicates cost no more than a few, whatever N is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, FiniteFloat

from attune.columns import LABEL
from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.bootstrap import LEVEL, Floats, interval
from attune.evaluation.results import SliceResult

# R replicates (or 1: what was counted), G groups, 2 labels, 2 decisions
REPLICATES = 2000
FEWEST_ROWS = 100
FEWEST_BELOW = 20  # of the rows a rate divides by: positives for the true positive rate
NOT_ENOUGH = "not enough data"
TRUE_POSITIVE_RATE = "true_positive_rate"
SHARE = 0.2  # of customers, those with the highest scores: whom a decision would choose

Counts = npt.NDArray[np.int64]
Rates = tuple[Floats, Floats]  # what a rate counts, and what it divides by, both shape [R, G]


def _selection(counts_RGYD: Floats) -> Rates:
    return counts_RGYD[:, :, :, 1].sum(axis=2), counts_RGYD.sum(axis=(2, 3))


def _true_positive(counts_RGYD: Floats) -> Rates:
    return counts_RGYD[:, :, 1, 1], counts_RGYD[:, :, 1].sum(axis=2)


def _false_positive(counts_RGYD: Floats) -> Rates:
    return counts_RGYD[:, :, 0, 1], counts_RGYD[:, :, 0].sum(axis=2)


def _precision(counts_RGYD: Floats) -> Rates:
    return counts_RGYD[:, :, 1, 1], counts_RGYD[:, :, :, 1].sum(axis=2)


def _accuracy(counts_RGYD: Floats) -> Rates:
    return counts_RGYD[:, :, 0, 0] + counts_RGYD[:, :, 1, 1], counts_RGYD.sum(axis=(2, 3))


RATES: Mapping[str, Callable[[Floats], Rates]] = {
    "selection_rate": _selection,
    TRUE_POSITIVE_RATE: _true_positive,
    "false_positive_rate": _false_positive,
    "precision": _precision,
    "accuracy": _accuracy,
}


class GroupRate(Settings):
    """One rate of one group, or of the distance between the groups, or why it is not known."""

    metric: str
    group: str
    rows: int = Field(ge=0, description="that the rate divides by")
    value: FiniteFloat | None = None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    reason: str | None = None


class GroupFairness(Settings):
    """Every rate of every group, and how far the groups are apart.

    Attributes:
        rates: By metric and group.
        distances: By metric: the largest rate less the smallest, over groups with enough data.
    """

    rates: list[GroupRate]
    distances: list[GroupRate]


def group_fairness(
    decisions: npt.ArrayLike,
    labels: npt.ArrayLike,
    by: npt.ArrayLike,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> GroupFairness:
    """Measure decisions by group.

    Args:
        decisions: Who got a yes, 0 or 1, shape [N].
        labels: What happened, 0 or 1, shape [N].
        by: The group of each row, shape [N].
        replicates: How many times N rows are drawn again.
        level: How sure the intervals are.
        seed: The same seed draws the same counts.

    Raises:
        DataError: There are no rows, or decisions or labels are something other than 0 and 1.
    """
    names, counts_GYD = group_counts(decisions, labels, by)
    counts_RGYD = _drawn(counts_GYD, replicates, seed)
    rates, distances = [], []
    for metric, rate in RATES.items():
        (hits_1G, of_1G), (hits_RG, of_RG) = rate(counts_GYD[None].astype(np.float64)), rate(counts_RGYD)
        enough = (of_1G[0] >= FEWEST_BELOW) & (counts_GYD.sum(axis=(1, 2)) >= FEWEST_ROWS)
        value_G, value_RG = _divided(hits_1G, of_1G)[0], _divided(hits_RG, of_RG)
        rates += [
            _rate(metric, name, int(of_1G[0, g]), float(value_G[g]), value_RG[:, g], level, bool(enough[g]))
            for g, name in enumerate(names)
        ]
        distances.append(_distance(metric, value_G[enough], value_RG[:, enough], int(of_1G.sum()), level))
    return GroupFairness(rates=rates, distances=distances)


def rates_by_group(
    scores: Floats,
    examples: pd.DataFrame,
    attributes: Iterable[str],
    share: float = SHARE,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> Iterator[SliceResult]:
    """Who is found, by group of people, where those with the highest scores are chosen.

    Args:
        scores: Of N examples, shape [N].
        examples: With the label and the attributes; a missing attribute is no group.
        attributes: Columns that name groups of people.
        share: How many are chosen.
        replicates: How many times N rows are drawn again.
        level: How sure the intervals are.
        seed: The same seed draws the same counts.

    Returns:
        The true positive rate of each group; `rows` are those of the group.
    """
    if not len(examples):
        return
    chosen_N = scores >= np.quantile(scores, 1 - share)
    for attribute in attributes:
        known_N = examples[attribute].notna().to_numpy()
        if not known_N.any():
            continue
        by, labels = examples.loc[known_N, attribute].astype(str), examples.loc[known_N, LABEL]
        counts = by.value_counts()
        for rate in group_fairness(chosen_N[known_N], labels, by, replicates, level, seed).rates:
            if rate.metric == TRUE_POSITIVE_RATE:
                yield SliceResult(
                    **rate.model_dump(exclude={"rows"}), slice=attribute, rows=int(counts[rate.group])
                )


def group_counts(
    decisions: npt.ArrayLike, labels: npt.ArrayLike, by: npt.ArrayLike
) -> tuple[list[str], Counts]:
    """Count decisions by group, label and decision.

    Returns:
        The names of the groups, sorted, and the counts, shape [G, 2, 2].

    Raises:
        DataError: There are no rows, or decisions or labels are something other than 0 and 1.
    """
    said_N, label_N = np.asarray(decisions, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if not len(label_N) or not np.isin([*np.unique(said_N), *np.unique(label_N)], (0, 1)).all():
        raise DataError(
            f"{len(label_N)} rows with decisions {np.unique(said_N)[:3]} and labels "
            f"{np.unique(label_N)[:3]}; both must be 0 or 1, of at least one row"
        )
    names, group_N = np.unique(np.asarray(by).astype(str), return_inverse=True)
    cell_N = group_N * 4 + label_N.astype(np.int64) * 2 + said_N.astype(np.int64)
    return list(names), np.bincount(cell_N, minlength=4 * len(names)).reshape(-1, 2, 2)


def _drawn(counts_GYD: Counts, replicates: int, seed: int) -> Floats:
    rows = counts_GYD.sum()
    shares = counts_GYD.ravel() / rows
    drawn = np.random.default_rng(seed).multinomial(rows, shares, size=replicates)
    return drawn.reshape(replicates, *counts_GYD.shape).astype(np.float64)


def _divided(hits: Floats, of: Floats) -> Floats:
    return np.divide(hits, of, out=np.full_like(hits, np.nan), where=of > 0)


def _rate(
    metric: str, group: str, rows: int, value: float, drawn: Floats, level: float, enough: bool
) -> GroupRate:
    ends = interval(drawn, level) if enough else None
    if ends is None:
        return GroupRate(metric=metric, group=group, rows=rows, reason=NOT_ENOUGH)
    return GroupRate(metric=metric, group=group, rows=rows, value=value, low=ends[0], high=ends[1])


def _distance(metric: str, value_G: Floats, value_RG: Floats, rows: int, level: float) -> GroupRate:
    group = "largest - smallest"
    if len(value_G) < 2:
        return GroupRate(metric=metric, group=group, rows=rows, reason=NOT_ENOUGH)
    apart_R = value_RG.max(axis=1) - value_RG.min(axis=1)
    return _rate(metric, group, rows, float(np.ptp(value_G)), apart_R, level, enough=True)
