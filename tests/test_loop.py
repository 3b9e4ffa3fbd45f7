"""The story of the project on a small shop whose truth is known: data, features, train, evaluate, register,
serve, monitor, retrain, as pipelines, stores and servers really run it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from attune import columns as c
from attune.config import Workspace, load_params
from attune.data.importing import import_tables, replace_interactions
from attune.data.pseudonyms import load_or_make_key
from attune.data.shift import switch_store_format
from attune.data.synthetic import make_shop, successors
from attune.data.tables import read_table
from attune.drift.verdicts import Verdict
from attune.evaluation.comparison import Comparison
from attune.registry import FORMATS, Registry, Version
from attune.release import Released
from attune.retraining.controller import Controller
from attune.retraining.evidence import look_of
from attune.retraining.history import history
from attune.retraining.rules import RetrainingRules
from attune.training.examples import TEST
from pipelines.launch import Launch, Request, read_json
from serving.client import AttuneClient, RefusedError
from serving.server import start
from serving.settings import ServingSettings

pytestmark = pytest.mark.timeout(1800)  # the whole loop is the fixture of its first test

CUSTOMERS, ITEMS, WEEKS = 1_600, 60, 52
FIRST, NEXT, LAST = "2017-07-30", "2017-08-27", "2017-12-24"
SHIFT_BEGINS = datetime(2017, 10, 1, tzinfo=UTC)
ONE_WINDOW = RetrainingRules(windows_on=1, windows_seen=1, benefit=False)
LOOPS = {"churn": {"epochs": 8, "learning_rate": 0.003}, "recommend": {"epochs": 6, "learning_rate": 0.003}}


@dataclass(frozen=True)
class Run:
    """What one training pipeline left."""

    comparison: Comparison
    released: Released


@dataclass(frozen=True)
class Loop:
    """Everything that happened, in order."""

    workspace: Workspace
    trained: dict[str, Run]
    champions: dict[str, Version]
    as_it_came: Verdict
    shifted: Verdict
    retrained: Run

    def model(self, name: str):
        return Registry(self.workspace).load(self.champions[name])

    def test_examples(self, name: str) -> pd.DataFrame:
        """The future that the first run of a model was judged on."""
        folders = self.workspace.runs.glob("training-*/artifacts/*/fetch-examples/examples")
        found = next(path for path in folders if read_json(path / "examples.json")["model"] == name)
        return pd.read_parquet(found / f"{TEST}.parquet")


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    workspace = Workspace(root=tmp_path_factory.mktemp("home"))
    launch = Launch(workspace, _params(), on_progress=lambda line: None)
    raw = make_shop(CUSTOMERS, ITEMS, WEEKS)
    key = load_or_make_key(workspace.pseudonym_key)
    import_tables(raw, workspace.tables, key, _day(FIRST))
    version = launch.features(FIRST)
    trained = {
        model: _train(launch, "training", Request(FIRST, model, features_version=version))
        for model in ("churn", "recommend")
    }
    registry = Registry(workspace)
    champions = {name: champion for name in trained if (champion := registry.champion(name))}

    import_tables(raw, workspace.tables, key, _day(NEXT))
    as_it_came = _look(launch, NEXT)
    import_tables(raw, workspace.tables, key)
    _shift(workspace)
    shifted = _look(launch, LAST)
    controller = Controller(workspace, ONE_WINDOW)
    for verdict in (as_it_came, shifted):
        step = controller.look("churn", look_of(verdict, verdict.subject.now, ONE_WINDOW))
    retrained = _train(launch, "retraining", Request(LAST, "churn", cause=step.said[-1].cause))
    assert step.state.run is not None
    released = retrained.released
    controller.ended("churn", step.state.run.token, released.ending, _day(LAST), released.reason)
    return Loop(workspace, trained, champions, as_it_came, shifted, retrained)


def test_the_planted_driver_of_churn_is_found(loop):
    model, examples = loop.model("churn"), loop.test_examples("churn")
    labels = examples[c.LABEL].to_numpy()
    whole = roc_auc_score(labels, model.score(examples))
    draw = np.random.default_rng(0)
    lost = {
        name: whole
        - roc_auc_score(labels, model.score(examples.assign(**{name: draw.permutation(examples[name])})))
        for name in examples.columns.difference([c.CUSTOMER_ID, c.EVENT_TIMESTAMP, c.LABEL])
    }
    assert whole > 0.8
    assert max(lost, key=lost.__getitem__) in {c.DISCOUNT_SHARE_90D, c.RECENCY_DAYS}
    assert lost[c.DISCOUNT_SHARE_90D] > 0.02


def test_the_network_is_as_good_as_logistic_regression_on_the_future(loop):
    measured = loop.trained["churn"].comparison.measured
    assert measured("churn_network").value >= measured("logistic_regression").value


def test_the_planted_rule_of_what_follows_is_learned(loop):
    """Three of four lines of an order are successors of the order before; popularity knows nothing of it."""
    comparison = loop.trained["recommend"].comparison
    assert comparison.measured("sequential").value > comparison.measured("popularity").value + 0.1
    model, examples = loop.model("recommend"), loop.test_examples("recommend")
    items, _ = model.recommend(examples, k=10)
    following = successors(ITEMS)
    hits = [
        np.mean([following[item] in set(recommended) for item in _last_order(row)])
        for recommended, row in zip(items, examples.itertuples(), strict=True)
    ]
    assert np.mean(hits) > 0.6


def test_nobody_without_consent_teaches_or_tests(loop):
    consents = read_table(loop.workspace.tables, "consents")
    refused = set(consents.loc[~consents[c.GRANTED] & (consents[c.PURPOSE] == "churn"), c.CUSTOMER_ID])
    for part in ("train", "validation", "test"):
        for file in loop.workspace.runs.glob(f"*/artifacts/*/fetch-examples/examples/{part}.parquet"):
            if read_json(file.parent / "examples.json")["model"] == "churn":
                assert refused.isdisjoint(pd.read_parquet(file)[c.CUSTOMER_ID])


def test_champions_are_verified_tracked_and_free_of_pickle(loop):
    for champion in loop.champions.values():
        Registry(loop.workspace).verify(champion)
        assert champion.folder.with_name(f"{champion.folder.name}.dvc").exists()
        assert {path.suffix for path in champion.folder.iterdir()} <= FORMATS | {".sig"}


def test_a_month_as_it_came_is_stable_and_starts_nothing(loop):
    assert loop.as_it_came.word == "stable", loop.as_it_came.sentence
    assert history(loop.workspace, "churn")[0].event == "looked"


def test_the_planted_shift_is_found_named_and_starts_a_run(loop):
    assert loop.shifted.word == "drifted", loop.shifted.sentence
    assert any(
        name in loop.shifted.drifted for name in (c.ORDERS_90D, c.BASKET_SIZE_90D, "share_produce_90d")
    )
    assert loop.retrained.released.version == 2
    assert loop.retrained.released.cause.startswith("Drift as of 2017-12-24 against version 1")
    events = [entry.event for entry in history(loop.workspace, "churn")]
    assert events[:3] == ["looked", "confirmed", "triggered"]
    assert events[3:] == ["promoted" if loop.retrained.released.verdict == "promoted" else "rejected"]


def test_the_gate_says_in_words_what_it_did_with_the_challenger(loop):
    released, registry = loop.retrained.released, Registry(loop.workspace)
    serves = registry.champion("churn").version
    assert loop.retrained.comparison.champion.version == 1
    assert serves == (2 if released.verdict == "promoted" else 1)
    assert released.reason.startswith(("promoted ", "kept version 1"))


def test_the_champions_answer_over_http_and_respect_consent(loop):
    raw = make_shop(CUSTOMERS, ITEMS, WEEKS)
    refused = raw.consents[~raw.consents[c.GRANTED].astype(bool)]
    private = refused.loc[refused[c.PURPOSE] == "churn", c.CUSTOMER_ID].iloc[0]
    anybody = raw.customers[c.CUSTOMER_ID][~raw.customers[c.CUSTOMER_ID].isin(refused[c.CUSTOMER_ID])].iloc[0]
    with (
        start(loop.workspace, settings=ServingSettings(now=_day(LAST))) as server,
        AttuneClient(server.url) as client,
    ):
        assert 0 <= client.churn(anybody).probability <= 1
        assert len(client.recommend(anybody, k=5).items) == 5
        assert client.recommend("nobody", k=5).degraded == ["unknown_customer"]
        with pytest.raises(RefusedError, match="403"):
            client.churn(private)


def test_the_same_run_again_makes_no_second_version(loop):
    launch = Launch(loop.workspace, _params(), on_progress=lambda line: None)
    request = Request(LAST, "churn", cause="started again")
    again = _train(launch, "retraining", request)
    assert again.released == loop.retrained.released
    assert [version.version for version in Registry(loop.workspace).versions("churn")] == [1, 2]


def _params():
    params = load_params(Path(__file__).parents[1] / "params.yaml")
    for model, loop in LOOPS.items():
        params[model]["loop"] = {**params[model]["loop"], **loop}
    return params


def _day(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _train(launch, pipeline, request):
    outputs = launch.run(pipeline, request)
    return Run(
        Comparison.model_validate(read_json(outputs["evaluation"])),
        Released.model_validate(read_json(outputs["decision"])),
    )


def _look(launch, now):
    launch.features(now)
    return Verdict.load(Path(launch.run("monitoring", Request(now, "churn"))["figures"]))


def _shift(workspace):
    interactions, items = (read_table(workspace.tables, name) for name in ("interactions", "items"))
    shifted = switch_store_format(interactions, items, 1 / 3, SHIFT_BEGINS, 1)
    replace_interactions(workspace.tables, SHIFT_BEGINS, shifted[shifted[c.EVENT_TIMESTAMP] >= SHIFT_BEGINS])


def _last_order(row):
    times = np.asarray(row.history_times)
    return [item for item, time in zip(row.history_items, times, strict=True) if time == times[-1]]
