import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attune.evaluation.protocols import leave_one_out
from attune.evaluation.results import Difference, Evaluation, Metric
from attune.models import catalog
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from benchmarks import results
from benchmarks.peers.environment import Took, read_lists, write_split
from benchmarks.recommender_ablations import VARIANTS, WHOLE
from benchmarks.recommender_data import LOADERS
from benchmarks.recommender_protocols import PROTOCOLS
from benchmarks.recommender_results import Measurement, record, record_differences, record_time
from benchmarks.recommender_runs import Run, read_run, write_run
from benchmarks.recommender_time import Course

ONE_SEED = Measurement("ml1m_loo", "films", "leave-one-out", ours="sequential", seeds=(0,), command="one")

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


@pytest.mark.parametrize("name", VARIANTS)
def test_an_ablation_changes_what_a_network_or_its_training_has(name):
    variant = VARIANTS[name]
    Transformer.Config.parse(variant.params)
    LoopSettings.parse(variant.loop)
    assert bool(variant.params or variant.loop) == (name != WHOLE)


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


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """The ids and values of the results that a test wrote."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results")
    (tmp_path / "README.md").write_text(f"{results.START}{results.END}")

    def read():
        rows = json.loads((tmp_path / "results" / "recommender.json").read_text())
        return [(row["id"], row["value"], row["peer"]) for row in rows]

    return read


def _ndcg(value):
    return Evaluation(metrics={"ndcg@10": Metric(value=value), "recall@10": Metric.not_computed("few")})


def test_figures_of_other_runs_stay_and_the_same_id_is_replaced(recorded):
    for model, value in (("ease", 0.1), ("sequential", 0.2), ("ease", 0.3)):
        record(ONE_SEED, {model: [_ndcg(value)]})
    assert recorded() == [("ml1m_loo_ndcg10", 0.2, None), ("ml1m_loo_ndcg10_ease", 0.3, "ease")]


def test_several_seeds_give_their_mean_and_each(recorded):
    record(replace(ONE_SEED, seeds=(3, 4)), {"sequential": [_ndcg(0.1), _ndcg(0.2)], "ease": [_ndcg(0.3)]})
    assert recorded() == [
        ("ml1m_loo_ndcg10", pytest.approx(0.15), None),
        ("ml1m_loo_ndcg10_ease", 0.3, "ease"),
        ("ml1m_loo_ndcg10_seed3", 0.1, None),
        ("ml1m_loo_ndcg10_seed4", 0.2, None),
    ]


def test_the_ends_of_paired_intervals_are_recorded_where_ours_is_compared(recorded):
    ours = Difference(a="sequential", b="ease", metric="ndcg@10", mean=0.2, low=0.1, high=0.3, level=0.95)
    record_differences(ONE_SEED, [ours, ours.model_copy(update={"a": "als"})])
    assert recorded() == [
        ("ml1m_loo_ndcg10_ahead_high_ease", 0.3, "ease"),
        ("ml1m_loo_ndcg10_ahead_low_ease", 0.1, "ease"),
    ]


def test_the_time_to_a_quality_is_the_mean_of_seeds(recorded):
    record_time(ONE_SEED, 0.17, [100.0, 200.0])
    assert recorded() == [("seconds_to_ndcg_017", 150.0, None)]


@pytest.mark.parametrize("reached", [None, 12.5])
def test_a_finished_run_is_kept_and_comes_back(tmp_path, reached):
    lists = np.array([["tea", "milk"], ["rice", None]], dtype=object)
    write_run(tmp_path / "run.parquet", Run(lists, Took(1.0, 2.0, 3.0), reached))
    kept = read_run(tmp_path / "run.parquet")
    assert kept.lists.tolist() == lists.tolist()
    assert (kept.took, kept.reached) == (Took(1.0, 2.0, 3.0), reached)


def test_a_course_ends_when_a_network_is_as_good_as_wanted():
    split = leave_one_out(pd.concat([TABLE] * 2, ignore_index=True))
    network = catalog.build("transformer", {"min_count": 1, "dimension": 8, "blocks": 1})
    course = Course(split.test, 0.01)
    train_network(network, split.train, split.validation, LoopSettings(epochs=2), after_epoch=course)
    assert course.reached is not None
    assert course.reached > 0


def test_a_data_set_that_is_not_there_is_skipped_visibly(tmp_path):
    command = [sys.executable, "-m", "benchmarks.recommender", "ml1m_loo", "--data", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("skipped ml1m_loo: the data set movielens_1m is not at")
