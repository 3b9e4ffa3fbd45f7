import numpy as np
import pytest

from attune.errors import DataError
from attune.evaluation.decisions import best_threshold, measure_decisions

SCORES = np.array([0.9, 0.8, 0.6, 0.4, 0.2])
LABELS = np.array([1.0, 1.0, 0.0, 1.0, 0.0])


def test_the_best_threshold_lies_between_two_scores():
    found = best_threshold(SCORES, LABELS)
    # Four of five get a yes, three of them rightly: F1 = 2 * 3 / (4 + 3).
    assert found.at == pytest.approx(0.3)
    assert found.value == pytest.approx(6 / 7)


def test_equal_scores_are_never_parted():
    found = best_threshold(np.array([0.7, 0.7, 0.1]), np.array([1.0, 0.0, 0.0]))
    assert (found.at, found.value) == (pytest.approx(0.4), pytest.approx(2 / 3))


def test_a_threshold_for_nobody_is_refused():
    with pytest.raises(DataError, match="none of 3 rows has label 1"):
        best_threshold(np.array([0.1, 0.2, 0.3]), np.zeros(3))


def test_decisions_are_measured_with_intervals():
    draw = np.random.default_rng(0)
    labels = (draw.random(1000) < 0.5).astype(float)
    weights = draw.multinomial(1000, np.full(1000, 1 / 1000), size=200).astype(np.uint8)
    decisions = np.where(draw.random(1000) < 0.8, labels, 1 - labels)
    found = measure_decisions(decisions, labels, weights)
    assert set(found) == {"accuracy", "precision", "recall", "f1"}
    for metric in found.values():
        assert metric.low < metric.value < metric.high
        assert metric.value == pytest.approx(0.8, abs=0.04)
