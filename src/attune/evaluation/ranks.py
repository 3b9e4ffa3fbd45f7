"""Metrics of an order by score, in many replicates at once.

R replicates, N examples, G groups of examples with equal scores, best first. Sorting is done once; a
replicate only changes how often each example counts, so every metric is a sum over cumulative sums.
"""

from collections.abc import Callable

import numpy as np

from attune.evaluation.bootstrap import Floats, Weights, chunks

TOP_SHARE = 0.1


def roc_auc(positives_RG: Floats, negatives_RG: Floats) -> Floats:
    """The chance that a positive is scored above a negative, ties count half (Mann-Whitney), shape [R]."""
    negatives_R = negatives_RG.sum(axis=1)
    below_RG = negatives_R[:, None] - negatives_RG.cumsum(axis=1)
    won_R = (positives_RG * (below_RG + negatives_RG / 2)).sum(axis=1)
    auc_R: Floats = won_R / (positives_RG.sum(axis=1) * negatives_R)
    return auc_R


def pr_auc(positives_RG: Floats, negatives_RG: Floats) -> Floats:
    """Average precision: precision at each threshold, weighted by the recall it adds, shape [R]."""
    found_RG = positives_RG.cumsum(axis=1)
    asked_RG = found_RG + negatives_RG.cumsum(axis=1)
    precision_RG = np.divide(found_RG, asked_RG, out=np.zeros_like(found_RG), where=asked_RG > 0)
    average_R: Floats = (positives_RG * precision_RG).sum(axis=1) / positives_RG.sum(axis=1)
    return average_R


def top_decile_lift(positives_RG: Floats, negatives_RG: Floats) -> Floats:
    """How many times more positives than average are in the tenth with the highest scores, shape [R].

    Of examples with equal scores at the border, each counts with the same part.
    """
    rows_RG = positives_RG + negatives_RG
    rows_R = rows_RG.sum(axis=1)
    room_RG = TOP_SHARE * rows_R[:, None] - (rows_RG.cumsum(axis=1) - rows_RG)
    taken_RG = np.clip(room_RG, 0, rows_RG)
    rate_RG = np.divide(positives_RG, rows_RG, out=np.zeros_like(rows_RG), where=rows_RG > 0)
    top_R = (taken_RG * rate_RG).sum(axis=1) / taken_RG.sum(axis=1)
    lift_R: Floats = top_R / (positives_RG.sum(axis=1) / rows_R)
    return lift_R


RANK_METRICS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "roc_auc": roc_auc,
    "pr_auc": pr_auc,
    "top_decile_lift": top_decile_lift,
}


def rank_metrics(
    scores: Floats, labels: Floats, weights: Weights, names: tuple[str, ...] = tuple(RANK_METRICS)
) -> dict[str, Floats]:
    """Compute metrics of the order in every replicate; nan where a replicate holds one class only.

    Args:
        scores: What a model said, shape [N].
        labels: What happened, 0 or 1, shape [N].
        weights: How often each example counts in each replicate, shape [R, N].
        names: Which metrics.

    Returns:
        Each metric by name, shape [R].
    """
    order_N = np.argsort(-scores, kind="stable")
    starts_G = np.flatnonzero(np.diff(scores[order_N], prepend=np.inf))
    positive_N = labels[order_N]
    found: dict[str, list[Floats]] = {name: [] for name in names}
    with np.errstate(invalid="ignore", divide="ignore"):
        for ordered_RN in chunks(weights[:, order_N]):
            rows_RG = np.add.reduceat(ordered_RN, starts_G, axis=1)
            positives_RG = np.add.reduceat(ordered_RN * positive_N, starts_G, axis=1)
            for name in names:
                found[name].append(RANK_METRICS[name](positives_RG, rows_RG - positives_RG))
    return {name: np.concatenate(parts) for name, parts in found.items()}
