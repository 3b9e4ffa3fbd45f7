import pytest

from attune.explain.contributions import explain
from tests.explain.scorers import SCORERS, learnt, rows


@pytest.mark.parametrize("name", SCORERS)
def test_contributions_add_up_to_the_difference_from_the_usual_customer(name):
    asked = rows(4, seed=9)
    scores = learnt(name).score(asked)
    for found, score in zip(explain(learnt(name), asked), scores, strict=True):
        assert found.score == score
        total = sum(each.contribution for each in found.contributions)
        assert total == pytest.approx(found.score - found.baseline, abs=1e-3)


@pytest.mark.parametrize("name", SCORERS)
def test_what_drives_the_label_contributes_most_and_a_constant_nothing(name):
    late = rows(1, seed=9).assign(recency_days=88.0)
    (found,) = explain(learnt(name), late)
    assert found.contributions[0].feature == "recency_days"
    assert found.contributions[0].words == "Days since the last purchase."
    assert found.contributions[0].value == "88"
    assert {each.feature: each.contribution for each in found.contributions}["always_seven"] == 0


def test_orders_are_a_contribution_of_their_own_where_a_network_reads_them():
    (found,) = explain(learnt("response_network"), rows(1, seed=9))
    assert "history_times" in {each.feature for each in found.contributions}
    assert "history_times" not in {
        each.feature for each in explain(learnt("churn_network"), rows(1, seed=9))[0].contributions
    }


def test_nobody_is_explained_by_nothing():
    assert explain(learnt("logistic_regression"), rows(3, seed=9).iloc[:0]) == []
