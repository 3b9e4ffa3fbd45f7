"""From out-of-fold scores to figures: means over folds, pooled ones, and differences with their intervals."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from attune.evaluation.calibration import calibration_errors
from attune.evaluation.ranks import rank_metrics
from attune.models.base import Floats
from attune.training.cross_validation import Answers, Fold


@dataclass(frozen=True)
class Figure:
    """One figure: its id, and whose it is."""

    id: str
    value: float
    unit: str
    model: str


@dataclass(frozen=True)
class Gap:
    """How much more one model reaches than another, paired by fold, with a 95 % interval."""

    mean: float
    low: float
    high: float


def of_folds(metric: str, labels: Floats, answers: Answers, folds: Sequence[Fold]) -> Floats:
    """A metric of every fold, shape [folds]."""
    return np.array([value(metric, answers.scores[fold.test], labels[fold.test]) for fold in folds])


def value(metric: str, scores: Floats, labels: Floats) -> float:
    """One metric of some rows: roc_auc, pr_auc, top_decile_lift, log_loss or ece."""
    once = np.ones((1, len(labels)), dtype=np.uint8)
    if metric == "log_loss":
        return float(-np.log(np.clip(np.where(labels == 1, scores, 1 - scores), 1e-15, 1)).mean())
    if metric == "ece":
        return float(calibration_errors(scores, labels, once)[0])
    return float(rank_metrics(scores, labels, once, (metric,))[metric][0])


def gap(ours: Floats, theirs: Floats, test_share: float) -> Gap:
    """Compare two models by their folds; folds share rows, so the variance is corrected for it.

    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.

    Args:
        ours: A metric of each fold, shape [J].
        theirs: The same of the other model on the same folds.
        test_share: Rows that are asked, of rows that teach.
    """
    difference = ours - theirs
    spread = math.sqrt((1 / len(difference) + test_share) * difference.var(ddof=1))
    reach = float(stats.t.ppf(0.975, len(difference) - 1)) * spread
    mean = float(difference.mean())
    return Gap(mean, mean - reach, mean + reach)


def say(title: str, rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print figures by model."""
    print(title, flush=True)
    for name, found in rows.items():
        print(
            f"  {name:22}" + "  ".join(f"{metric} {each:.4f}" for metric, each in found.items()), flush=True
        )
