import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from attune.drift.monitor import DriftRules
from attune.drift.reference import ReferenceProfile
from attune.retraining.signals import QualityRules, quality_signal, score_signal

DRAW = np.random.default_rng(0)
REFERENCE = ReferenceProfile.of(pd.DataFrame({"score": DRAW.beta(2, 5, 5000)}))


def labelled(rows: int, gap: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores of which those of label 1 are higher by a gap."""
    labels = (DRAW.random(rows) < 0.2).astype(float)
    return DRAW.normal(size=rows) + gap * labels, labels


def test_scores_as_they_were_do_not_press_and_others_do():
    calm = score_signal(REFERENCE, pd.Series(DRAW.beta(2, 5, 3000)), DriftRules())
    moved = score_signal(REFERENCE, pd.Series(DRAW.beta(2, 3, 3000)), DriftRules())
    assert calm.pressure is not None
    assert moved.pressure is not None
    assert calm.pressure < 0.6
    assert moved.pressure > 1
    assert moved.sentence.startswith("the scores of 3,000 answers are")


@pytest.mark.parametrize(
    ("reference", "scores", "why"),
    [
        (REFERENCE, [0.5] * 999, "999 answers, wanted at least 1,000"),
        (REFERENCE, [0.5] * 999 + [np.nan], "no finite score"),
        (ReferenceProfile.of(pd.DataFrame({"spend": [1.0]})), [0.5] * 1000, "keeps no scores"),
    ],
)
def test_scores_that_tell_nothing_are_not_computed(
    reference: ReferenceProfile, scores: list[float], why: str
):
    signal = score_signal(reference, pd.Series(scores), DriftRules())
    assert signal.pressure is None
    assert why in signal.sentence


def test_quality_presses_when_its_lower_bound_is_under_the_floor():
    scores, labels = labelled(20_000, gap=1.2)
    auc = roc_auc_score(labels, scores)
    as_good = quality_signal(scores, labels, auc, QualityRules())
    worse = quality_signal(scores, labels, auc + 0.05, QualityRules())
    assert as_good.pressure is not None
    assert worse.pressure is not None
    assert as_good.pressure < 0.6
    assert worse.pressure > 1
    assert f"ROC-AUC is {auc:.3f} on 20,000 labels" in worse.sentence


def test_on_few_labels_a_loss_cannot_be_told_and_nothing_is_said():
    few = quality_signal(*labelled(1500, gap=1.2), 0.8, QualityRules())
    assert few.pressure is None
    assert "a loss of 0.03 cannot be told" in few.sentence
    assert "999 labels" in quality_signal(*labelled(999, gap=1.2), 0.8, QualityRules()).sentence
    alike = quality_signal(np.ones(2000), np.ones(2000), 0.8, QualityRules())
    assert alike.pressure is None
