import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from attune.evaluation.classification import METRICS, compare_scorers, evaluate_scorer


def examples(rows: int = 600, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers seen twice; a score that knows the truth behind each label."""
    draw = np.random.default_rng(seed)
    truth = draw.beta(1, 4, rows)
    table = pd.DataFrame(
        {
            "customer_id": [f"c{number // 2}" for number in range(rows)],
            "label": (draw.random(rows) < truth).astype("int8"),
            "age_band": np.where(np.arange(rows) < 20, "65+", "unknown"),
            "orders_90d": draw.integers(1, 30, rows),
        }
    )
    return table, truth


def test_every_metric_has_a_value_inside_its_interval():
    table, scores = examples()
    measured = evaluate_scorer(scores, table, replicates=200)
    assert set(measured.metrics) == set(METRICS)
    for metric in measured.metrics.values():
        assert metric.low <= metric.value <= metric.high


def test_losses_equal_those_of_scikit_learn():
    table, scores = examples()
    measured = evaluate_scorer(scores, table, replicates=20).metrics
    assert measured["log_loss"].value == pytest.approx(log_loss(table["label"], scores))
    assert measured["brier"].value == pytest.approx(brier_score_loss(table["label"], scores))


def test_a_wrong_certainty_costs_much_but_stays_finite():
    table, _ = examples()
    certain = 1.0 - table["label"].to_numpy(dtype=float)
    assert 30 < evaluate_scorer(certain, table, replicates=20).metrics["log_loss"].value < 40


def test_a_slice_of_few_rows_is_not_computed_and_says_why():
    table, scores = examples()
    slices = {
        (found.slice, found.group): found
        for found in evaluate_scorer(scores, table, replicates=20).slices
        if found.metric == "roc_auc"
    }
    assert slices["age_band", "65+"].value is None
    assert slices["age_band", "65+"].reason == "20 rows, fewer than the 100 needed"
    assert slices["age_band", "unknown"].rows == 580
    assert 0.5 < slices["age_band", "unknown"].value < 1


@pytest.mark.parametrize(
    ("rows", "label", "reason"),
    [(40, None, "40 rows, fewer than"), (600, 0, "0 of 600 rows have label 1"), (600, 1, "have label 0")],
)
def test_too_few_rows_or_one_class_is_a_third_state(rows, label, reason):
    table, scores = examples(rows)
    if label is not None:
        table = table.assign(label=label)
    measured = evaluate_scorer(scores, table, replicates=20)
    assert all(reason in metric.reason for metric in measured.metrics.values())
    compared = compare_scorers(("a", scores), ("b", scores), table, "roc_auc", replicates=20)
    assert not compared.computed
    assert reason in compared.reason


def test_a_better_scorer_is_surely_better_and_an_equal_one_is_not():
    table, truth = examples()
    noise = np.random.default_rng(1).random(len(table))
    better = compare_scorers(("truth", truth), ("noise", noise), table, "roc_auc", replicates=200)
    assert better.low > 0.05
    same = compare_scorers(("truth", truth), ("half", truth / 2), table, "roc_auc", replicates=200)
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)


def test_the_same_seed_measures_the_same():
    table, scores = examples()
    assert evaluate_scorer(scores, table, replicates=50) == evaluate_scorer(scores, table, replicates=50)
