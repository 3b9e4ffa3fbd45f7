import numpy as np
import pytest

from attune.columns import PAST_MESSAGES
from attune.explain.integrated_gradients import network_terms
from attune.inference import explaining
from attune.inference.graphs import open_model
from attune.inference.quadrature import POINTS
from tests.inference.networks import learning
from tests.models.examples import AS_OF

NETWORKS = ["churn_network", "response_network"]


def usual_of(network, examples):
    """Customers of training medians, of whom no category is known, no order and no message."""
    told = dict(zip(network.table.numeric, network.table.defaults, strict=True))
    usual = examples.assign(**told, **dict.fromkeys(network.table.categories))
    for name in ("history_times", *PAST_MESSAGES):
        usual[name] = [[] for _ in range(len(examples))]
    return usual


@pytest.mark.parametrize("points", POINTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_explains_as_captum_does_with_the_same_points(name, points, graph_of, monkeypatch):
    monkeypatch.setattr(explaining, "POINTS", (points,))
    network, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, rows=6, seed=3)
    usual = usual_of(network, examples)
    names, terms = network_terms(network, examples, usual, points)
    scores, baselines = model.score(examples), model.score(usual)
    apart = np.log(scores / (1 - scores)) - np.log(baselines / (1 - baselines))
    wanted = terms / 1.3 * ((scores - baselines) / apart)[:, None]
    for row, values in enumerate(examples.to_dict("records")):
        found = model.score_and_explain([values], AS_OF)[0][1]
        assert list(found) == names
        np.testing.assert_allclose(list(found.values()), wanted[row], rtol=0, atol=1e-6)
        gap = abs(sum(found.values()) - (scores[row] - baselines[row]))
        assert gap < (1e-3 if points == max(POINTS) else 1e-1)


@pytest.mark.parametrize("name", NETWORKS)
def test_terms_sum_to_the_difference_of_the_scores_and_the_score_is_the_same(name, graph_of):
    network, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, rows=6, seed=3)
    baselines = model.score(usual_of(network, examples))
    for row, values in enumerate(examples.to_dict("records")):
        score, added = model.score_and_explain([values], AS_OF)[0]
        assert score == pytest.approx(model.score_rows([values], AS_OF)[0], abs=1e-6)
        assert sum(added.values()) == pytest.approx(score - baselines[row], abs=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_customers_side_by_side_are_explained_as_each_alone(name, graph_of, monkeypatch):
    monkeypatch.setattr(explaining, "COMPLETE", 3e-4)  # so that some need more points than others
    _, folder = graph_of(name)
    model, rows = open_model(name, folder), learning(name, rows=9, seed=3).to_dict("records")
    for values, (score, added) in zip(rows, model.score_and_explain(rows, AS_OF), strict=True):
        ((wanted, alone),) = model.score_and_explain([values], AS_OF)
        assert score == pytest.approx(wanted, abs=1e-6)
        assert added == pytest.approx(alone, abs=1e-6)


def test_more_points_are_asked_where_few_miss_too_much(graph_of, monkeypatch):
    _, folder = graph_of("churn_network")
    model, (values,) = (
        open_model("churn_network", folder),
        learning("churn_network", rows=1).to_dict("records"),
    )
    found = {}
    for missed in (1.0, -1.0):
        monkeypatch.setattr(explaining, "COMPLETE", missed)
        found[missed] = model.score_and_explain([values], AS_OF)[0][1]
    few, many = found.values()
    assert few != many
    assert few == pytest.approx(many, abs=1e-2)


def test_a_feature_that_is_as_usual_adds_nothing(graph_of):
    network, folder = graph_of("churn_network")
    usual = dict(zip(network.table.numeric, network.table.defaults, strict=True)) | {"age_band": None}
    model = open_model("churn_network", folder)
    assert set(model.score_and_explain([usual], AS_OF)[0][1].values()) == {0.0}
    moved = model.score_and_explain([usual | {"recency_days": 89.0}], AS_OF)[0][1]
    assert {name for name, added in moved.items() if added != 0} == {"recency_days"}
