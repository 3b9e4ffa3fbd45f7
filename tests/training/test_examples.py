"""Examples on a shop of thirty customers who buy bread each Monday until some of them stop."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from attune.adapters.feast import FeastStore
from attune.columns import DEMOGRAPHICS
from attune.config import Workspace
from attune.data.consents import PURPOSES
from attune.data.layout import schema_of
from attune.data.tables import write_tables
from attune.errors import DataError, FeatureError
from attune.features.schema import features_of, schema_hash
from attune.training.examples import HistoricalFeatures, fetch_examples
from attune.training.plan import TrainingPlan
from attune.training.refresh import refresh_features
from tests.features.purchases import at, bought, table

NOW = at("2017-04-09")
CUSTOMERS = [f"c{number:02}" for number in range(30)]
WEEKS = 14
# From this week on the third of the customers whose number divides by three buys no more.
STOP = 9

CHURN = {
    "feature_service": "churn_v1",
    "purpose": "churn",
    "kind": "scorer",
    "label": {"active_days": 28, "quiet_days": 14},
    "as_of": {"first": "2017-02-05", "test": 1},
    "validation_share": 0.2,
    "network": "churn_network",
    "candidates": {"churn_network": {}},
}
RECOMMEND = CHURN | {
    "feature_service": "recommend_v1",
    "purpose": "recommend",
    "kind": "recommender",
    "label": {"next_days": 7},
    "as_of": {"first": "2017-02-05", "test": 2},
    "network": "sequential",
    "candidates": {"sequential": {}},
}


def buys(customer: str, week: int) -> bool:
    return week < STOP or int(customer[1:]) % 3 != 0


def shop(customers: list[str] = CUSTOMERS, weeks: int = WEEKS) -> dict[str, pd.DataFrame]:
    mondays = [at("2017-01-02") + timedelta(weeks=week) for week in range(weeks)]
    lines = [
        bought(customer, "bread", f"{monday:%Y-%m-%dT10:00}")
        for week, monday in enumerate(mondays)
        for customer in customers
        if buys(customer, week)
    ]
    asked = pd.Timestamp("2017-01-01", tz="UTC").as_unit("us")
    unknown = dict.fromkeys(DEMOGRAPHICS, "unknown")
    items = pd.DataFrame({"item_id": ["bread"], "department": "GROCERY", "category": "x", "brand": "x"})
    agreed = [
        {"customer_id": customer, "purpose": purpose, "granted": (customer, purpose) != ("c01", "churn")}
        for customer in customers
        for purpose in PURPOSES
    ]
    return {
        "customers": pd.DataFrame({"customer_id": customers, **unknown}),
        "items": items,
        "interactions": table(*lines).to_pandas(),
        "messages": schema_of("messages").empty_table().to_pandas(),
        "consents": pd.DataFrame(agreed).assign(event_timestamp=asked),
    }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    workspace = Workspace(root=tmp_path_factory.mktemp("workspace"))
    write_tables(workspace.tables, shop())
    params = {"churn": CHURN, "recommend": RECOMMEND}
    refresh_features(FeastStore(workspace), workspace, params, NOW)
    return workspace


Fetch = Callable[..., dict[str, pl.DataFrame]]


@pytest.fixture
def fetch(workspace: Workspace, tmp_path: Path) -> Fetch:
    def fetched(section=CHURN, store: HistoricalFeatures | None = None, now=NOW) -> dict[str, pl.DataFrame]:
        store = store or FeastStore(workspace)
        plan = TrainingPlan.parse(section)
        fetch_examples(store, workspace.tables, workspace.features, "m", plan, now, tmp_path / "examples")
        return {file.stem: pl.read_parquet(file) for file in (tmp_path / "examples").glob("*.parquet")}

    return fetched


def dates(rows: pl.DataFrame) -> list[str]:
    return sorted({f"{time:%m-%d}" for time in rows["event_timestamp"]})


def test_training_labels_end_before_the_test_begins(fetch):
    parts = fetch()
    assert dates(parts["test"]) == ["03-26"]
    assert (
        dates(parts["train"])
        == dates(parts["validation"])
        == ["02-05", "02-12", "02-19", "02-26", "03-05", "03-12"]
    )


def test_labels_say_who_stopped(fetch):
    train = fetch()["train"].filter(pl.col("event_timestamp") == at("2017-03-05"))
    stopped = {customer for customer in train["customer_id"] if int(customer[1:]) % 3 == 0}
    assert set(train.filter(pl.col("label") == 1)["customer_id"]) == stopped
    assert train["label"].dtype == pl.Int8


def test_features_are_those_of_the_date(fetch):
    rows = fetch()["test"]
    assert rows.columns == ["customer_id", "event_timestamp", *features_of("churn_v1"), "label"]
    recency = dict(zip(rows["customer_id"], rows["recency_days"], strict=True))
    assert recency["c02"] == pytest.approx(5 + 14 / 24)
    assert recency["c03"] == pytest.approx(26 + 14 / 24)


def test_validation_customers_never_teach(fetch):
    parts = fetch()
    teaching, choosing = set(parts["train"]["customer_id"]), set(parts["validation"]["customer_id"])
    assert teaching
    assert choosing
    assert not teaching & choosing


def test_who_did_not_agree_is_in_no_part_and_is_counted(fetch, tmp_path):
    parts = fetch()
    assert not any("c01" in rows["customer_id"] for rows in parts.values())
    record = json.loads((tmp_path / "examples/examples.json").read_text())
    assert (record["customers"], record["customers_without_consent"]) == (29, 1)


def test_consent_is_asked_for_the_purpose_of_the_plan(fetch):
    assert "c01" in fetch(RECOMMEND)["test"]["customer_id"]


def test_next_items_and_histories_are_lists(fetch):
    rows = fetch(RECOMMEND)["test"]
    assert dates(rows) == ["03-26", "04-02"]
    assert set(rows["label"].list.first()) == {"bread"}
    ann = rows.filter(pl.col("customer_id") == "c02", pl.col("event_timestamp") == at("2017-03-26"))
    assert ann["history_items"].to_list() == [["bread"] * 12]
    assert ann["history_times"].list.max().item() < at("2017-03-26").timestamp()


def test_the_record_says_where_the_examples_come_from(fetch, tmp_path):
    parts = fetch()
    record = json.loads((tmp_path / "examples/examples.json").read_text())
    assert record["rows"] == {part: len(rows) for part, rows in parts.items()}
    assert record["schema_hash"] == schema_hash("churn_v1")
    assert record["features"] == features_of("churn_v1")
    assert record["as_of"]["test"] == ["2017-03-26T00:00:00Z"]
    assert record["leakage_audit"]["checked_rows"] == sum(map(len, parts.values()))
    assert record["leakage_audit"]["violations"] == 0
    assert record["leakage_audit"]["ages"]["customer_activity"] == {"youngest_days": 0.0, "oldest_days": 0.0}


def test_the_same_inputs_make_the_same_bytes(fetch, tmp_path):
    digests = []
    for _ in range(2):
        fetch()
        files = sorted((tmp_path / "examples").iterdir())
        digests.append([(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files])
    assert digests[0] == digests[1]
    assert [name for name, _ in digests[0]] == [
        "examples.json",
        "test.parquet",
        "train.parquet",
        "validation.parquet",
    ]


class Clairvoyant:
    """A store with a defect: it answers with the features of some days later."""

    def __init__(self, store: FeastStore) -> None:
        self._store = store

    def historical(self, service: str, rows: pl.DataFrame) -> pl.DataFrame:
        later = rows.with_columns(pl.col("event_timestamp") + timedelta(days=7))
        return self._store.historical(service, later).with_columns(rows["event_timestamp"])


@pytest.mark.parametrize(("section", "view"), [(CHURN, "customer_activity"), (RECOMMEND, "customer_history")])
def test_a_store_that_sees_the_future_is_found_out(fetch, workspace, tmp_path, section, view):
    with pytest.raises(
        DataError, match=f"examples hold values of '{view}' that no snapshot of their time has"
    ):
        fetch(section, store=Clairvoyant(FeastStore(workspace)))
    assert not (tmp_path / "examples").exists()


def test_data_that_ends_before_the_labels_is_refused_in_words(fetch):
    with pytest.raises(
        DataError,
        match="end on 2017-04-03, but labels as of 2017-04-09 look until 2017-04-23; import later data",
    ):
        fetch(now=at("2017-04-23"))


def test_features_that_were_not_computed_are_asked_for_in_words(fetch):
    section = CHURN | {"as_of": {"first": "2017-01-22", "test": 1}}
    with pytest.raises(FeatureError, match="no snapshot of 'customer_activity' as of 2017-01-22"):
        fetch(section)


def test_too_short_a_time_is_refused_in_words(fetch):
    with pytest.raises(DataError, match="no training date"):
        fetch(now=at("2017-02-26"))


def test_a_candidate_that_learns_from_items_brings_a_table_of_them_with_their_prices(fetch):
    parts = fetch(RECOMMEND | {"candidates": {"sequential": {}, "transformer": {"side": True}}})
    bread = {"item_id": "bread", "department": "GROCERY", "category": "x", "brand": "x", "price": 1.0}
    assert parts["items"].to_dicts() == [bread]


def another(tmp_path: Path, tables: dict[str, pd.DataFrame]) -> Callable[[], int]:
    workspace = Workspace(root=tmp_path / "another")
    write_tables(workspace.tables, tables)
    store, plan = FeastStore(workspace), TrainingPlan.parse(CHURN)
    refresh_features(store, workspace, {"churn": CHURN}, NOW)
    return lambda: fetch_examples(
        store, workspace.tables, workspace.features, "churn", plan, NOW, tmp_path / "examples"
    )


def test_one_customer_only_is_refused_in_words(tmp_path):
    with pytest.raises(DataError, match=r"no (train|validation) examples: 1 customers carry a label"):
        another(tmp_path, shop(customers=["c02"]))()


def test_labels_of_one_class_are_refused_in_words(tmp_path):
    loyal = [customer for customer in CUSTOMERS if buys(customer, STOP)]
    with pytest.raises(DataError, match=r"all \d+ training labels are 0, so there is nothing to tell apart"):
        another(tmp_path, shop(customers=loyal))()


def test_a_consent_that_is_withdrawn_makes_another_version_of_what_examples_are_made_of(tmp_path):
    workspace, tables = Workspace(root=tmp_path), shop()

    def refreshed(consents: pd.DataFrame) -> str:
        write_tables(workspace.tables, tables | {"consents": consents})
        return refresh_features(FeastStore(workspace), workspace, {"churn": CHURN}, NOW)

    agreed = tables["consents"]
    withdrawn = agreed.assign(granted=agreed["granted"] & (agreed["customer_id"] != "c02"))
    assert refreshed(agreed) == refreshed(agreed) != refreshed(withdrawn)
