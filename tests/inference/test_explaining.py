import numpy as np
import pytest

from attune.columns import PAST_MESSAGES
from attune.explain.integrated_gradients import network_terms
from attune.inference.attribution_graph import STEPS
from attune.inference.graphs import open_model
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


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_explains_as_captum_does(name, graph_of):
    network, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, rows=6, seed=3)
    usual = usual_of(network, examples)
    names, terms = network_terms(network, examples, usual, STEPS)
    scores, baselines = model.score(examples), model.score(usual)
    apart = np.log(scores / (1 - scores)) - np.log(baselines / (1 - baselines))
    wanted = terms / 1.3 * ((scores - baselines) / apart)[:, None]
    for row, values in enumerate(examples.to_dict("records")):
        found = model.explain(values, AS_OF)
        assert list(found) == names
        np.testing.assert_allclose(list(found.values()), wanted[row], rtol=0, atol=1e-6)
        assert sum(found.values()) == pytest.approx(scores[row] - baselines[row], abs=1e-3)


def test_a_feature_that_is_as_usual_adds_nothing(graph_of):
    network, folder = graph_of("churn_network")
    usual = dict(zip(network.table.numeric, network.table.defaults, strict=True)) | {"age_band": None}
    model = open_model("churn_network", folder)
    assert set(model.explain(usual, AS_OF).values()) == {0.0}
    moved = model.explain(usual | {"recency_days": 89.0}, AS_OF)
    assert {name for name, added in moved.items() if added != 0} == {"recency_days"}
