import numpy as np
import pytest

from attune.evaluation.calibration import calibration_errors, calibration_table, without_bias


def once(rows: int) -> np.ndarray:
    return np.ones((1, rows), dtype=np.uint8)


def test_the_table_says_what_was_said_and_what_happened():
    scores, labels = np.array([0.1, 0.1, 0.3, 0.9, 0.9, 0.7]), np.array([0.0, 1, 0, 1, 1, 0])
    low, high = calibration_table(scores, labels, bins=2)
    assert (low.rows, low.low, low.high, low.mean_score, low.observed) == (
        3,
        0.1,
        0.3,
        pytest.approx(0.5 / 3),
        pytest.approx(1 / 3),
    )
    assert (high.rows, high.mean_score, high.observed) == (3, pytest.approx(2.5 / 3), pytest.approx(2 / 3))


def test_the_error_is_the_mean_distance_over_bins():
    scores, labels = np.array([0.2, 0.2, 0.8, 0.8]), np.array([0.0, 1, 1, 1])
    assert calibration_errors(scores, labels, once(4), bins=2) == pytest.approx([0.5 * 0.3 + 0.5 * 0.2])


def test_equal_scores_share_one_bin():
    scores, labels = np.full(10, 0.5), np.array([0.0, 1] * 5)
    assert len(calibration_table(scores, labels)) == 1
    assert calibration_errors(scores, labels, once(10)) == pytest.approx([0.0])


def test_honest_probabilities_have_almost_no_error_and_shifted_ones_theirs():
    draw = np.random.default_rng(0)
    scores = draw.uniform(0, 0.8, 20_000)
    labels = (draw.random(20_000) < scores).astype(float)
    assert calibration_errors(scores, labels, once(20_000))[0] < 0.02
    assert calibration_errors(scores + 0.1, labels, once(20_000))[0] == pytest.approx(0.1, abs=0.01)


def test_replicates_of_an_error_are_moved_back_around_it():
    assert without_bias(0.02, np.array([0.03, 0.05])) == pytest.approx([0.01, 0.03])
    assert without_bias(0.0, np.array([0.03, 0.05])) == pytest.approx([0.0, 0.01])
