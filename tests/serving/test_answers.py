from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from attune import columns as c
from attune.adapters.feast import FeastStore
from attune.data.tables import read_table, write_tables
from attune.features.online import FeatureStatus, OnlineFeatures, OnlineRow
from attune.features.schema import SERVICES
from attune.features.value_digest import digests_of
from serving.prediction_log import read_predictions
from serving.problems import Problem
from serving.schemas import ChurnRequest, RecommendRequest
from tests.serving.answering import Answering, Forgetful, answering
from tests.serving.conftest import NOW


def churn(answers: Answering, customer: str) -> Problem:
    with pytest.raises(Problem) as refused:
        answers.scores.churn(ChurnRequest(customer_id=customer))
    return refused.value


def test_old_features_are_used_and_said_to_be_old(shop, tmp_path):
    with answering(shop, tmp_path / "log", now=NOW + timedelta(days=8)) as answers:
        score = answers.scores.churn(ChurnRequest(customer_id=shop.loyal))
        items = answers.recommendations.recommend(RecommendRequest(customer_id=shop.loyal))
    assert (score.degraded, score.as_of) == (["stale_features"], NOW)
    assert (items.degraded, items.as_of) == (["stale_features"], NOW)


def test_features_of_the_future_are_not_used(shop, tmp_path):
    with answering(shop, tmp_path / "log", now=NOW - timedelta(days=1)) as answers:
        assert churn(answers, shop.loyal).name == "nothing-known"


def test_of_whom_nothing_is_known_no_score_but_popular_items(shop, tmp_path):
    with answering(shop, tmp_path / "log", features=Forgetful()) as answers:
        refused = churn(answers, shop.loyal)
        items = answers.recommendations.recommend(RecommendRequest(customer_id=shop.loyal, k=4))
    assert (refused.status, refused.name) == (404, "nothing-known")
    assert (items.degraded, len(items.items)) == (["missing_features"], 4)


def test_without_a_store_no_score_but_popular_items(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    (mine.workspace.feast / "online.db").unlink()
    with answering(mine, tmp_path / "log") as answers:
        refused = churn(answers, shop.loyal)
        items = answers.recommendations.recommend(RecommendRequest(customer_id=shop.loyal, k=4))
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert (items.degraded, len(items.items)) == (["no_feature_store"], 4)


def test_consent_that_is_withdrawn_counts_at_the_next_read(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    consents = read_table(mine.workspace.tables, "consents")
    consents["granted"] &= consents["customer_id"] != shop.pseudonym(shop.loyal)
    write_tables(mine.workspace.tables, {"consents": consents})
    with answering(mine, tmp_path / "log") as answers:
        assert churn(answers, shop.loyal).status == 403


def test_without_a_champion_there_is_no_answer(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    mine.workspace.registry.unlink()
    with answering(mine, tmp_path / "log") as answers:
        refused = churn(answers, shop.loyal)
    assert (refused.status, refused.name) == (503, "no-champion")


def test_the_log_says_what_features_an_answer_rested_on(shop, tmp_path):
    with answering(shop, tmp_path / "log") as answers:
        answers.scores.churn(ChurnRequest(customer_id=shop.loyal))
    (record,) = read_predictions(tmp_path / "log")
    service = str(record.feature_service)
    (row,) = FeastStore(shop.workspace).online(service, [str(record.customer)], NOW)
    assert {view: used.digest for view, used in (record.features or {}).items()} == {
        view: said["digest"] for view, said in digests_of(service, row).items()
    }
    assert set(record.features or {}) == set(SERVICES[service])


class WithoutHouseholds:
    """A store that has lost what customers told about their households."""

    def __init__(self, store: OnlineFeatures) -> None:
        self._store = store

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        lost = dict.fromkeys(c.DEMOGRAPHICS)
        missing = dict.fromkeys(c.DEMOGRAPHICS, FeatureStatus.MISSING)
        return [
            replace(
                row,
                values={**row.values, **lost},
                event_timestamps={**row.event_timestamps, **lost},
                statuses={**row.statuses, **missing},
            )
            for row in self._store.online(service, keys, now)
        ]


def test_what_was_usual_in_training_stands_in_for_a_few_features(shop, tmp_path):
    mine = shop.elsewhere(tmp_path / "workspace")
    with answering(mine, tmp_path / "log", WithoutHouseholds(FeastStore(mine.workspace))) as answers:
        assert churn(answers, mine.loyal).name == "nothing-known"
    usual = pd.DataFrame({name: ["unknown", "unknown", "other"] for name in c.DEMOGRAPHICS})
    with answering(mine, tmp_path / "more", WithoutHouseholds(FeastStore(mine.workspace))) as answers:
        usual.to_parquet(mine.workspace.models / "churn" / "1" / "reference.parquet")
        score = answers.scores.churn(ChurnRequest(customer_id=mine.loyal))
    assert (score.degraded, score.as_of) == (["default_features"], NOW)
