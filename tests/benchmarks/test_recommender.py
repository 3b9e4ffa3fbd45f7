import json
import subprocess
import sys

import pandas as pd
import pytest

from attune.evaluation.protocols import leave_one_out
from attune.evaluation.results import Evaluation, Metric
from attune.models import catalog
from benchmarks import results
from benchmarks.peers.environment import read_lists, write_split
from benchmarks.recommender_data import LOADERS
from benchmarks.recommender_protocols import PROTOCOLS
from benchmarks.recommender_results import record

TABLE = pd.DataFrame(
    {
        "customer_id": ["ann"] * 4 + ["bob"] * 3,
        "item_id": ["bread", "milk", "tea", "rice", "soap", "tea", "milk"],
    }
)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_settings_of_a_protocol_are_known_to_its_data_and_models(name):
    assert PROTOCOLS[name].data in LOADERS
    for model in (*PROTOCOLS[name].models, PROTOCOLS[name].network.name):
        catalog.build(model, PROTOCOLS[name].params_of(model))


def test_a_peer_is_told_what_teaches_and_what_was_known_when_it_is_asked(tmp_path):
    write_split(leave_one_out(TABLE), tmp_path)
    train, validation, queries = (
        pd.read_parquet(tmp_path / f"{part}.parquet") for part in ("train", "validation", "queries")
    )
    assert train[["customer_id", "item_id"]].to_numpy().tolist() == [
        ["ann", "bread"], ["ann", "milk"], ["bob", "soap"],
    ]  # fmt: skip
    assert validation[["customer_id", "item_id"]].to_numpy().tolist() == [["ann", "tea"], ["bob", "tea"]]
    assert validation["second"][0] == train["second"].max() + 3600
    assert queries[["query", "item_id"]].to_numpy().tolist() == [
        [0, "bread"], [0, "milk"], [0, "tea"], [1, "soap"], [1, "tea"],
    ]  # fmt: skip


def test_the_lists_of_a_peer_come_back_by_query_and_rank():
    lines = pd.DataFrame({"query": [2, 0, 0], "rank": [1, 2, 1], "item_id": ["tea", "milk", "bread"]})
    wanted = [["bread", "milk"], [None, None], ["tea", None]]
    assert read_lists(lines, count=3, k=2).tolist() == wanted


def test_figures_of_other_runs_stay_and_the_same_id_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    (tmp_path / "README.md").write_text(f"{results.START}{results.END}")
    for model, value in (("ease", 0.1), ("sequential", 0.2), ("ease", 0.3)):
        found = Evaluation(metrics={"ndcg@10": Metric(value=value), "recall@10": Metric.not_computed("few")})
        record("ml1m_loo", "films", "leave-one-out; seed 0", {model: found}, ours="sequential")
    rows = json.loads((tmp_path / "results" / "recommender.json").read_text())
    assert [(row["id"], row["value"], row["peer"]) for row in rows] == [
        ("ml1m_loo_ndcg10", 0.2, None),
        ("ml1m_loo_ndcg10_ease", 0.3, "ease"),
    ]


def test_a_data_set_that_is_not_there_is_skipped_visibly(tmp_path):
    command = [sys.executable, "-m", "benchmarks.recommender", "ml1m_loo", "--data", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("skipped ml1m_loo: the data set movielens_1m is not at")
