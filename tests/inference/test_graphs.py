import shutil
import subprocess
import sys
import textwrap
from datetime import timedelta

import numpy as np
import pytest

from attune.errors import ModelError
from attune.inference.files import GRAPH_FILE, RETRIEVAL_FILE, SAMPLE_FILE
from attune.inference.graphs import SERVERS, WRITERS, can_open, open_model
from attune.models.base import WEIGHTS_FILE, Wish
from attune.models.calibration import Calibration
from attune.models.catalog import MODELS
from attune.models.network import Network
from tests.inference.networks import learning, written
from tests.models.examples import AS_OF, ITEMS

SCORERS = [name for name in WRITERS if MODELS[name].kind == "scorer"]
RECOMMENDERS = [name for name in WRITERS if MODELS[name].kind == "recommender"]
NARROW = frozenset(ITEMS[3:11])


def test_every_network_of_the_catalogue_becomes_a_graph_and_is_answered_from_it():
    networks = {name for name, entry in MODELS.items() if issubclass(entry.model, Network)}
    assert networks == set(WRITERS)
    assert networks <= set(SERVERS)


@pytest.mark.parametrize("name", SCORERS)
def test_a_scoring_graph_answers_as_its_network_does(name, graph_of):
    network, folder = graph_of(name)
    examples = learning(name, seed=3)
    examples.loc[0, "recency_days"] = np.nan
    examples.loc[1, "age_band"] = "a band that training has not seen"
    np.testing.assert_allclose(
        open_model(name, folder).score(examples), network.score(examples), rtol=0, atol=1e-5
    )


CURVE = Calibration(way="isotonic", said=(0.1, 0.4, 0.5, 0.9), meant=(0.05, 0.3, 0.3, 0.7))


@pytest.mark.parametrize("name", [*SCORERS, "gradient_boosting"])
def test_a_curve_of_calibration_is_served_as_it_was_learnt(name, tmp_path):
    model = written(name, tmp_path)
    model.calibration = CURVE
    model.save(tmp_path)
    examples = learning(name, seed=3)
    wanted = CURVE.probabilities(model.log_odds(examples))
    np.testing.assert_array_equal(model.score(examples), wanted)
    served = open_model(name, tmp_path)
    np.testing.assert_allclose(served.score(examples), wanted, rtol=0, atol=1e-5)
    rows = examples.drop(columns=["label", "event_timestamp"]).to_dict("records")
    np.testing.assert_allclose(served.score_rows(rows, AS_OF), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SCORERS)
def test_rows_of_a_store_are_scored_as_a_table_is(name, graph_of):
    _, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, seed=3)
    rows = examples.drop(columns=["label", "event_timestamp"]).to_dict("records")
    rows[0]["recency_days"] = None
    examples.loc[0, "recency_days"] = np.nan
    np.testing.assert_allclose(model.score_rows(rows, AS_OF), model.score(examples), rtol=0, atol=1e-7)
    assert model.score_rows([], AS_OF).shape == (0,)


@pytest.mark.parametrize("name", SCORERS)
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recency_days": float("inf")}, "infinite"),
        ({"recency_days": "many"}, "many"),
        (None, "recency_days"),
    ],
)
def test_a_row_that_cannot_be_scored_is_refused_by_the_name_of_its_feature(name, changed, message, graph_of):
    _, folder = graph_of(name)
    row = learning(name, rows=1).iloc[0].to_dict() | (changed or {})
    if changed is None:
        del row["recency_days"]
    with pytest.raises(ModelError, match=message):
        open_model(name, folder).score_rows([row], AS_OF)


@pytest.mark.parametrize("name", RECOMMENDERS)
@pytest.mark.parametrize("allowed", [None, NARROW])
def test_a_recommending_graph_answers_as_its_network_does(name, allowed, graph_of):
    network, folder = graph_of(name)
    examples = learning(name, seed=3)
    examples.at[0, "history_items"], examples.at[0, "history_times"] = [], []
    examples.at[1, "history_items"] = ["an item nobody knows"] * len(examples.at[1, "history_times"])
    found, scores = open_model(name, folder).recommend(examples, 12, allowed)
    wanted, wanted_scores = network.recommend(examples, 12, allowed)
    there = np.isfinite(wanted_scores)
    assert (np.isfinite(scores) == there).all()
    np.testing.assert_allclose(scores[there], wanted_scores[there], rtol=0, atol=1e-4)
    assert (found == wanted).all()


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_what_was_seen_never_appears_where_the_network_is_told_so(name, tmp_path):
    network = written(name, tmp_path, exclude_seen=True)
    examples = learning(name, rows=5, seed=3)
    found, _ = open_model(name, tmp_path).recommend(examples, 30)
    assert (found == network.recommend(examples, 30)[0]).all()
    assert not set(found[0]) & set(examples.at[0, "history_items"])


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_one_customer_is_answered_as_in_a_table(name, graph_of):
    _, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, rows=4, seed=3)
    found, scores = model.recommend(examples, 5)
    for row in range(len(examples)):
        items, times = examples.at[row, "history_items"], examples.at[row, "history_times"]
        assert model.recommend_one(items, times, AS_OF, 5) == (found[row].tolist(), scores[row].tolist())


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_customers_side_by_side_are_each_answered_by_their_own_wish(name, graph_of):
    _, folder = graph_of(name)
    model, examples = open_model(name, folder), learning(name, rows=3, seed=3)
    histories = zip(examples["history_items"], examples["history_times"], strict=True)
    known = [Wish(items, times, AS_OF, k) for k, (items, times) in enumerate(histories, start=2)]
    later = known[0]._replace(as_of=AS_OF + timedelta(days=40), excluded={ITEMS[1]})
    wishes = [*known, Wish([], [], AS_OF, 4, NARROW), later]
    for wish, (found, scores) in zip(wishes, model.recommend_each(wishes), strict=True):
        wanted, wanted_scores = model.recommend_one(*wish)
        assert found == wanted
        assert scores == pytest.approx(wanted_scores, abs=1e-5)


@pytest.mark.parametrize("name", RECOMMENDERS)
def test_filters_act_before_the_best_are_taken(name, graph_of):
    _, folder = graph_of(name)
    model = open_model(name, folder)
    whole, _ = model.recommend_one([], [], AS_OF, len(ITEMS))
    found, _ = model.recommend_one([], [], AS_OF, 5, NARROW, excluded=[whole[0], ITEMS[4], "unknown"])
    assert found == [item for item in whole if item in NARROW - {whole[0], ITEMS[4]}][:5]
    assert model.recommend_one([], [], AS_OF, 5, frozenset()) == ([], [])
    with pytest.raises(ModelError, match="at least 1"):
        model.recommend_one([], [], AS_OF, 0)


def test_similar_items_point_the_same_way_and_are_others(graph_of):
    network, folder = graph_of("transformer")
    model = open_model("transformer", folder)
    vectors = network.item_VD.detach().numpy()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    order = [ITEMS[code] for code in np.argsort(-(unit @ unit[2])) if code != 2]
    found, scores = model.similar(ITEMS[2], 4)
    assert found == order[:4]
    assert scores == sorted(scores, reverse=True)
    assert set(model.similar(ITEMS[2], 40, NARROW)[0]) == NARROW - {ITEMS[2]}
    with pytest.raises(ModelError, match="no item 'bread'"):
        model.similar("bread", 3)


@pytest.mark.parametrize("name", ["churn_network", "transformer"])
def test_the_same_network_gives_the_same_bytes(name, graph_of, tmp_path):
    _, folder = graph_of(name)
    written(name, tmp_path)
    files = sorted(path.name for path in folder.iterdir())
    assert {GRAPH_FILE, SAMPLE_FILE, WEIGHTS_FILE} <= set(files)
    assert [(tmp_path / file).read_bytes() for file in files] == [
        (folder / file).read_bytes() for file in files
    ]


def test_the_graph_of_another_network_is_refused(graph_of, tmp_path):
    _, folder = graph_of("churn_network")
    written("churn_network", tmp_path, seed=1)
    shutil.copy(folder / GRAPH_FILE, tmp_path)
    with pytest.raises(ModelError, match="off what the trained network answered"):
        open_model("churn_network", tmp_path)


@pytest.mark.parametrize("file", [GRAPH_FILE, SAMPLE_FILE, RETRIEVAL_FILE])
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_an_unreadable_file_is_named(file, content, graph_of, tmp_path):
    _, folder = graph_of("transformer")
    broken = tmp_path / "version"
    shutil.copytree(folder, broken)
    (broken / file).write_bytes(content)
    with pytest.raises(ModelError, match=file.replace(".", r"\.")):
        open_model("transformer", broken)


def test_a_version_without_a_graph_is_not_opened(graph_of, tmp_path):
    network, _ = graph_of("churn_network")
    network.save(tmp_path)
    assert not can_open("churn_network", tmp_path)
    with pytest.raises(ModelError, match="no graph"):
        open_model("churn_network", tmp_path)


def test_nothing_that_trains_is_imported_where_graphs_answer(graph_of):
    folders = {name: str(graph_of(name)[1]) for name in WRITERS}
    script = f"""
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        from attune.inference.graphs import open_model
        now = datetime(2017, 6, 4, tzinfo=UTC)
        row = dict(recency_days=1.0, orders_90d=3, always_seven=7, age_band="25-34", history_times=[])
        row |= dict(message_times=[], message_channels=[], message_formats=[], message_answers=[])
        for name, folder in {folders!r}.items():
            model = open_model(name, Path(folder))
            if hasattr(model, "score_rows"):
                assert 0 < model.score_rows([row], now)[0] < 1
            else:
                assert len(model.recommend_one(["item-01"], [1496000000], now, 3)[0]) == 3
        heavy = {{"torch", "onnx", "onnxscript", "captum", "feast"}} & sys.modules.keys()
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)
