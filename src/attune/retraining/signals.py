"""Scores and quality of a model that serves, as signals beside the drift of its features.

A window on which a loss that matters could not be told from chance is not computed, and never green.
"""

from math import sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from attune.columns import SCORE
from attune.config import Settings
from attune.drift.decide import Measured, judge
from attune.drift.histograms import number_histogram
from attune.drift.monitor import DriftRules, Watched
from attune.drift.profile import NumberGrid, Numbers, column
from attune.drift.reference import ReferenceProfile
from attune.retraining.evidence import Signal

Floats = npt.NDArray[np.float64]

_SURE = NormalDist().inv_cdf(0.95)
_TELLING = 3.5  # standard errors that a tolerated loss has to be, or nothing is said about it


class QualityRules(Settings):
    """How much worse than on its test a model may rank, before that is drift.

    Attributes:
        tolerated_loss: Of ROC-AUC; the floor lies so far under what the version reached on its test.
        min_rows: Labels that have arrived.
    """

    tolerated_loss: float = Field(default=0.03, gt=0, lt=0.5)
    min_rows: int = Field(default=1000, ge=100)


def score_signal(reference: ReferenceProfile, scores: pd.Series, rules: DriftRules) -> Signal:
    """How far the scores of answers moved from those of the training examples.

    Args:
        reference: What the version keeps; that of a recommender holds no scores.
        scores: Of the answers of one window.
        rules: The limits of drift.
    """
    grid, before = reference.grids.get(SCORE), reference.columns.get(SCORE)
    if not isinstance(grid, NumberGrid) or not isinstance(before, Numbers):
        return _unknown("Scores", "the version keeps no scores of its training examples")
    if len(scores) < rules.min_rows:
        return _unknown("Scores", f"{len(scores):,} answers, wanted at least {rules.min_rows:,}")
    after = column(scores, grid)
    if not isinstance(after, Numbers) or after.missing or after.infinite:
        return _unknown("Scores", "some answers have no finite score")
    watched = Watched(name=SCORE, kind="number", description="What the model answered.")
    found = judge(watched, Measured(number_histogram(grid, before, after)), rules, 1)
    return Signal(
        name="Scores",
        pressure=found.ratio,
        sentence=f"the scores of {len(scores):,} answers are {found.distance:.2f} from those of the training "
        f"examples (population stability index, limit {found.limit:.2f}).",
    )


def quality_signal(scores: Floats, labels: Floats, expected: float, rules: QualityRules) -> Signal:
    """Whether the model still ranks as well as on its test, by labels that have arrived since.

    Args:
        scores: Of the answers, shape [N].
        labels: What happened, 0 or 1, shape [N].
        expected: The ROC-AUC of the version on its test.
        rules: How much worse it may be.
    """
    rows, positive = len(labels), int(labels.sum())
    if rows < rules.min_rows or not 0 < positive < rows:
        return _unknown(
            "Quality", f"{rows:,} labels, {positive:,} of them 1; wanted {rules.min_rows:,} of both kinds"
        )
    auc = _roc_auc(scores, labels)
    error = _standard_error(auc, positive, rows - positive)
    if _TELLING * error > rules.tolerated_loss:
        return _unknown("Quality", f"on {rows:,} labels a loss of {rules.tolerated_loss:g} cannot be told")
    floor, lower = expected - rules.tolerated_loss, auc - _SURE * error
    return Signal(
        name="Quality",
        pressure=max(0.0, expected - lower) / (expected - floor),
        sentence=f"ROC-AUC is {auc:.3f} on {rows:,} labels, surely not under {lower:.3f}; the floor is "
        f"{floor:.3f}.",
    )


def _roc_auc(scores: Floats, labels: Floats) -> float:
    ranks = pd.Series(scores).rank().to_numpy()
    positive = labels.sum()
    above = ranks[labels == 1].sum() - positive * (positive + 1) / 2
    return float(above / (positive * (len(labels) - positive)))


def _standard_error(auc: float, positive: int, negative: int) -> float:
    """Of an area under the curve (Hanley and McNeil, 1982)."""
    both, twice = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = (positive - 1) * (both - auc**2) + (negative - 1) * (twice - auc**2)
    return sqrt((auc * (1 - auc) + spread) / (positive * negative))


def _unknown(name: str, why: str) -> Signal:
    return Signal(name=name, pressure=None, sentence=f"not computed: {why}.")
