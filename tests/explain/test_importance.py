import pytest

from attune.errors import DataError
from attune.explain.importance import permutation_importance
from tests.explain.scorers import learnt, rows


@pytest.fixture(scope="module")
def found():
    return permutation_importance(learnt("logistic_regression"), rows(400, seed=9), least=0.01).features


def test_the_one_feature_that_drives_the_label_is_worth_its_cost_and_no_other(found):
    assert found[0].feature == "recency_days"
    assert found[0].lost > 0.3
    assert [each.feature for each in found if each.worth] == ["recency_days"]
    assert {each.feature: each.lost for each in found}["always_seven"] == 0


def test_of_many_examples_some_are_drawn_the_same_for_a_seed():
    model, examples = learnt("logistic_regression"), rows(400, seed=9)
    few = permutation_importance(model, examples, rows=50, repeats=2)
    assert (few.rows, few.repeats) == (50, 2)
    assert permutation_importance(model, examples, rows=50, repeats=2) == few


def test_one_label_alone_is_refused():
    with pytest.raises(DataError, match="the same label"):
        permutation_importance(learnt("logistic_regression"), rows(50, seed=9).assign(label=0))
