"""Do probabilities mean what they say: of customers scored 0.2, do two in ten leave?"""

import numpy as np

from attune.evaluation.bootstrap import Floats, Weights, chunks
from attune.evaluation.results import CalibrationBin

BINS = 15


def calibration_table(scores: Floats, labels: Floats, bins: int = BINS) -> list[CalibrationBin]:
    """Compare what was said with what happened, in bins that hold about equally many of N examples.

    Equal scores share a bin, so there may be fewer bins than asked for.
    """
    bin_N = _bins(scores, bins)
    table = []
    for number in np.unique(bin_N):
        rows = bin_N == number
        table.append(
            CalibrationBin(
                rows=int(rows.sum()),
                low=float(scores[rows].min()),
                high=float(scores[rows].max()),
                mean_score=float(scores[rows].mean()),
                observed=float(labels[rows].mean()),
            )
        )
    return table


def calibration_errors(scores: Floats, labels: Floats, weights: Weights, bins: int = BINS) -> Floats:
    """The expected calibration error over equal-mass bins in every replicate, shape [R].

    The mean distance between what was said and what happened, over bins weighted by their rows (Naeini,
    Cooper and Hauskrecht, 2015; equal-mass bins as in Nixon et al., 2019, arXiv 1904.01685). The bins are
    those of all N examples.
    """
    bin_N = _bins(scores, bins)
    excess_NB = (labels - scores)[:, None] * (bin_N[:, None] == np.unique(bin_N))
    errors = [
        np.abs(weights_RN @ excess_NB).sum(axis=1) / np.maximum(weights_RN.sum(axis=1), 1)
        for weights_RN in chunks(weights)
    ]
    return np.concatenate(errors)


def without_bias(value: float, replicates: Floats) -> Floats:
    """Move the replicates of an error that cannot be negative back to around the error itself.

    Drawing again adds noise to every bin, and noise in either direction reads as error: the replicates lie
    higher than the value they belong to, by as much as the value lies above the truth.
    """
    moved: Floats = np.maximum(replicates - (replicates.mean() - value), 0.0)
    return moved


def _bins(scores: Floats, bins: int) -> Floats:
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, scores, side="right").astype(np.float64)
