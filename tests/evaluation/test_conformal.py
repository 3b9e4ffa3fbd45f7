import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin

from attune.errors import DataError
from attune.evaluation.conformal import EVERYBODY, ConformalSets, measure_coverage


def said(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels that follow them, and two groups, of which the model flatters itself about one."""
    draw = np.random.default_rng(seed)
    scores = draw.beta(1, 2, rows)
    groups = draw.choice(["calm", "wild"], rows).astype(object)
    truth = np.where(groups == "wild", 0.5 + 0.5 * (scores - 0.5), scores)
    return scores, (draw.random(rows) < truth).astype(float), groups


class Said(ClassifierMixin, BaseEstimator):
    """Says the scores that it is given."""

    classes_ = np.array([0, 1])
    is_fitted_ = True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])

    def predict(self, X):
        return (X[:, 0] > 0.5).astype(int)


def test_sets_are_those_of_mapie():
    scores, labels, _ = said(500, seed=0)
    asked = said(200, seed=1)[0]
    theirs = SplitConformalClassifier(Said(), confidence_level=0.9, conformity_score="lac", prefit=True)
    theirs.conformalize(scores[:, None], labels.astype(int))
    sets = theirs.predict_set(asked[:, None])[1][:, :, 0]
    np.testing.assert_array_equal(ConformalSets.calibrate(scores, labels, 0.9).sets(asked), sets)


def test_a_set_holds_the_truth_as_often_as_promised_and_in_each_group_by_itself():
    scores, labels, groups = said(4000, seed=2)
    asked, truth, of = said(20_000, seed=3)
    common = measure_coverage(ConformalSets.calibrate(scores, labels).sets(asked), truth, of)
    own = measure_coverage(ConformalSets.calibrate(scores, labels, by=groups).sets(asked, of), truth, of)
    assert common[EVERYBODY].coverage == pytest.approx(0.9, abs=0.01)
    assert common["wild"].coverage < 0.88
    for found in own.values():
        assert found.coverage == pytest.approx(0.9, abs=0.02)


def test_a_small_group_counts_with_everybody_and_is_not_judged():
    scores, labels, groups = said(1000, seed=0)
    groups[:10] = "rare"
    conformal = ConformalSets.calibrate(scores, labels, by=groups)
    assert set(conformal.largest) == {EVERYBODY, "calm", "wild"}
    sets = conformal.sets(scores, groups)
    np.testing.assert_array_equal(sets[:10], conformal.sets(scores[:10]))
    assert measure_coverage(sets, labels, groups)["rare"].coverage is None


def test_more_than_the_rows_can_promise_is_refused():
    with pytest.raises(DataError, match="at least 99 rows"):
        ConformalSets.calibrate(np.full(50, 0.5), np.ones(50), coverage=0.99)
