import time

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score, precision_score

from attune.errors import DataError
from attune.evaluation.fairness import group_counts, group_fairness
from attune.evaluation.group_thresholds import choose_group_thresholds

ORACLE = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "precision": precision_score,
    "accuracy": accuracy_score,
}


def people(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decisions that are right three times in four, labels, and four groups of different sizes."""
    draw = np.random.default_rng(seed)
    labels = (draw.random(rows) < 0.3).astype(int)
    right = draw.random(rows) < 0.75
    groups = draw.choice(["18-24", "25-44", "45-64", "65+"], rows, p=[0.1, 0.4, 0.3, 0.2]).astype(object)
    return np.where(right, labels, 1 - labels), labels, groups


def test_counts_checked_by_eye():
    names, counts = group_counts([1, 0, 1, 1], [1, 0, 0, 1], ["ann", "ann", "bob", "bob"])
    assert names == ["ann", "bob"]
    assert counts.tolist() == [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]


def test_every_rate_is_that_of_fairlearn():
    decisions, labels, groups = people(5000)
    frame = MetricFrame(metrics=ORACLE, y_true=labels, y_pred=decisions, sensitive_features=groups)
    found = group_fairness(decisions, labels, groups, replicates=50)
    for rate in found.rates:
        assert rate.value == pytest.approx(frame.by_group.loc[rate.group, rate.metric], abs=1e-12)
    for distance in found.distances:
        assert distance.value == pytest.approx(frame.difference()[distance.metric], abs=1e-12)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(60):
        found = group_fairness(*people(1500, seed), replicates=200, seed=seed)
        rates = {(rate.metric, rate.group): rate for rate in found.rates}
        rate = rates["true_positive_rate", "25-44"]
        held.append(rate.low <= 0.75 <= rate.high)
    assert 0.87 <= np.mean(held) <= 1.0


def test_two_thousand_replicates_of_fifty_thousand_people_take_less_than_a_second():
    decisions, labels, groups = people(50_000)
    started = time.process_time()
    group_fairness(decisions, labels, groups, replicates=2000)
    assert time.process_time() - started < 1.0


def test_a_group_without_positives_has_no_true_positive_rate_instead_of_zero():
    decisions, labels, groups = people(2000)
    labels = np.where(groups == "65+", 0, labels)
    found = {(rate.metric, rate.group): rate for rate in group_fairness(decisions, labels, groups).rates}
    assert found["true_positive_rate", "65+"].value is None
    assert found["true_positive_rate", "65+"].reason == "not enough data"
    assert found["selection_rate", "65+"].value is not None


def test_a_small_group_is_not_judged_and_does_not_set_the_distance():
    decisions, labels, groups = people(2000)
    groups[:5], decisions[:5] = "centenarians", 1
    found = group_fairness(decisions, labels, groups, replicates=50)
    rates = {(rate.metric, rate.group): rate for rate in found.rates}
    assert rates["selection_rate", "centenarians"].reason == "not enough data"
    known = [rate.value for rate in found.rates if rate.metric == "selection_rate" and rate.value is not None]
    (distance,) = (each for each in found.distances if each.metric == "selection_rate")
    assert distance.value == pytest.approx(max(known) - min(known))


@pytest.mark.parametrize(("decisions", "labels"), [([], []), ([0.5, 1], [0, 1]), ([0, 1], [0, 2])])
def test_what_is_no_decision_is_refused(decisions, labels):
    with pytest.raises(DataError, match="both must be 0 or 1"):
        group_fairness(decisions, labels, ["a"] * len(labels))


def test_a_threshold_of_its_own_brings_a_group_level_and_the_cost_is_said():
    draw = np.random.default_rng(0)
    labels = (draw.random(4000) < 0.4).astype(float)
    groups = draw.choice(["a", "b"], 4000).astype(object)
    # The model is as good for both, but always surer of a.
    scores = np.clip(0.25 + 0.3 * labels + 0.2 * (groups == "a") + draw.normal(0, 0.1, 4000), 0, 1)
    chosen = choose_group_thresholds(scores, labels, groups)
    assert chosen.of_group["a"] > chosen.of_group["b"]
    assert chosen.apart_before > 0.1
    assert chosen.apart_after < 0.01
    assert f"{chosen.f1_after:.3f}" in chosen.sentence()
    decided = chosen.decide(scores, groups)
    rates = [decided[(groups == name) & (labels == 1)].mean() for name in ("a", "b")]
    assert abs(rates[0] - rates[1]) < 0.01
    assert (chosen.decide(scores, np.full(4000, "c", dtype=object)) == (scores >= chosen.threshold)).all()


def test_groups_too_small_to_choose_by_are_refused():
    with pytest.raises(DataError, match="none of 2 groups has"):
        choose_group_thresholds(
            np.array([0.1, 0.9]), np.array([0.0, 1.0]), np.array(["a", "b"], dtype=object)
        )
