import numpy as np
import pytest

from attune.inference.graphs import open_model
from tests.inference.networks import learning, written


@pytest.mark.parametrize(
    "options",
    [
        {"positions": "absolute"},
        {"positions": "none"},
        {"times": True},
        {"times": True, "positions": "absolute", "length": 3},
        {"times": True, "positions": "none", "blocks": 1, "gated": False},
    ],
    ids=str,
)
def test_the_graph_knows_what_the_options_of_its_network_know(options, tmp_path):
    network = written("transformer", tmp_path, **options)
    examples = learning("transformer", rows=20, seed=3)
    examples.at[0, "history_items"], examples.at[0, "history_times"] = [], []
    found, scores = open_model("transformer", tmp_path).recommend(examples, 12)
    wanted, wanted_scores = network.recommend(examples, 12)
    np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=1e-4)
    assert (found == wanted).all()
