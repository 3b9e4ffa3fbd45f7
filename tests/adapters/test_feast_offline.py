"""Our join behind Feast's own API: equal to Feast's DuckDB store wherever that store is defined."""

import attune.adapters.quick_feast  # noqa: F401, before Feast

# isort: split

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64, String

from attune.adapters.feast_offline import AsOfOfflineStoreConfig
from attune.errors import FeatureError
from tests.features.purchases import TIME, at

OURS = "attune.adapters.feast_offline.AsOfOfflineStore"
DAY = timedelta(days=1)

# customer, event day, created day, plan, spend
PROFILE = [
    ("ann", "2024-01-01", "2024-01-01", "first", 1.0),
    ("ann", "2024-01-10", "2024-01-20", "late", 2.0),
    ("bob", "2024-01-05", "2024-01-05", "before", 3.0),
    ("bob", "2024-01-05", "2024-01-15", "corrected", 4.0),
    ("cid", "2024-01-01", "2024-01-01", "old", 5.0),
    ("cid", "2024-01-05", "2024-01-05", None, None),
    ("dan", "2024-01-01", "2024-01-01", "edge", 6.0),
]
TRAPS = {
    "a late row, before it was recorded": ("ann", "2024-01-12T00:00:00"),
    "a late row, after it was recorded": ("ann", "2024-01-20T00:00:00"),
    "the moment of an event": ("ann", "2024-01-01T00:00:00"),
    "between two recordings of one event": ("bob", "2024-01-10T00:00:00"),
    "the same once more": ("bob", "2024-01-10T00:00:00"),
    "after a correction": ("bob", "2024-01-16T00:00:00"),
    "the last moment that a row lives": ("dan", "2024-01-31T00:00:00"),
    "one second later": ("dan", "2024-01-31T00:00:01"),
    "the latest value is empty": ("cid", "2024-01-06T00:00:00"),
    "an unknown customer": ("zoe", "2024-01-06T00:00:00"),
    "before all history": ("ann", "2023-06-01T00:00:00"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("feast")
    (folder / "profile").mkdir()
    columns = ["customer_id", "event_timestamp", "created_timestamp", "plan", "spend"]
    rows = [(name, at(event), at(created), plan, spend) for name, event, created, plan, spend in PROFILE]
    table = pl.DataFrame(rows, schema=columns, orient="row").cast(
        {"event_timestamp": TIME, "created_timestamp": TIME}
    )
    table[:4].write_parquet(folder / "profile" / "1.parquet")
    table[4:].write_parquet(folder / "profile" / "2.parquet")
    table.write_parquet(folder / "profile" / ".hidden.parquet")
    pairs = {"customer_id": ["ann", "ann"], "item_id": [1, 2], "event_timestamp": [at("2024-01-01")] * 2}
    liking = pl.DataFrame(pairs | {"likes": [10, 20]}).cast({"event_timestamp": TIME})
    liking.write_parquet(folder / "liking.parquet")
    return folder


def store(folder: Path, offline: dict[str, Any]) -> FeatureStore:
    """A store of two views, of one key and of two, in a folder of its own."""
    home = folder / offline["type"]
    home.mkdir(exist_ok=True)
    config = RepoConfig(
        project="trap",
        provider="local",
        registry=str(home / "registry.pb"),
        offline_store=offline,
        online_store={"type": "sqlite", "path": str(home / "online.db")},
        entity_key_serialization_version=3,
        repo_path=home,
    )
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.INT64)
    profile = FeatureView(
        name="profile",
        entities=[customer],
        ttl=30 * DAY,
        schema=[Field(name="plan", dtype=String), Field(name="spend", dtype=Float64)],
        source=FileSource(
            path=str(folder / "profile"),
            file_format=ParquetFormat(),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        ),
    )
    liking = FeatureView(
        name="liking",
        entities=[customer, item],
        schema=[Field(name="likes", dtype=Int64)],
        source=FileSource(
            path=str(folder / "liking.parquet"),
            timestamp_field="event_timestamp",
        ),
    )
    opened = FeatureStore(config=config)
    opened.apply([customer, item, profile, liking])
    return opened


@pytest.fixture(scope="module")
def ours(folder) -> FeatureStore:
    return store(folder, {"type": OURS})


def trapped(zone: str = "UTC") -> pd.DataFrame:
    times = pd.to_datetime([time for _, time in TRAPS.values()], utc=True).tz_convert(zone)
    names = [customer for customer, _ in TRAPS.values()]
    return pd.DataFrame({"row": range(len(TRAPS)), "customer_id": names, "event_timestamp": times})


def answers(asked: FeatureStore, rows: Any, known: bool = True, **options: Any) -> pl.DataFrame:
    features = ["profile:spend", "profile:plan"]
    job = asked.get_historical_features(rows, features, filter_by_created_timestamp=known, **options)
    return pl.DataFrame(pl.from_arrow(job.to_arrow()))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_every_trap_is_answered_as_by_the_duckdb_store_and_in_the_order_asked(ours, folder, known, zone):
    duckdb = answers(store(folder, {"type": "duckdb"}), trapped(zone), known).sort("row")
    mine = answers(ours, trapped(zone), known)
    assert mine.columns == ["row", "customer_id", "event_timestamp", "spend", "plan"]
    assert mine.drop("event_timestamp").equals(duckdb.drop("event_timestamp"))
    expected = {True: "before", False: "corrected"}[known]
    assert mine["plan"].to_list() == [
        *(["first", "late", "first"] if known else ["late", "late", "first"]),
        *(expected, expected, "corrected", "edge", None, None, None, None),
    ]


def test_rows_of_polars_are_answered_like_those_of_pandas(ours):
    rows = pl.from_pandas(trapped())
    assert answers(ours, rows).equals(answers(ours, trapped()))
    assert answers(ours, rows.lazy()).equals(answers(ours, rows))


def test_features_may_carry_the_name_of_their_view(ours):
    names = answers(ours, trapped(), full_feature_names=True).columns
    assert names[-2:] == ["profile__spend", "profile__plan"]


def test_a_view_may_have_two_keys_and_no_record_time(ours):
    rows = {"customer_id": ["ann", "ann", "bob"], "item_id": [2, 3, 2]}
    times = pl.Series([at("2024-06-01")] * 3, dtype=TIME)
    asked = pl.DataFrame(rows | {"event_timestamp": times})
    job = ours.get_historical_features(asked, ["liking:likes"], filter_by_created_timestamp=True)
    assert job.to_df()["likes"].tolist()[0] == 20
    assert pl.from_arrow(job.to_arrow())["likes"].to_list() == [20, None, None]


def test_feast_brings_the_latest_row_of_each_key_online(ours):
    ours.materialize(at("2024-01-01"), at("2024-01-12"))
    rows = [{"customer_id": name} for name in ("ann", "bob", "cid", "dan")]
    online = ours.get_online_features(["profile:spend", "profile:plan"], rows).to_dict()
    assert online["plan"] == ["late", "corrected", None, "edge"]
    assert online["spend"] == [2.0, 4.0, None, 6.0]


def test_a_saved_period_holds_all_rows_of_it(ours):
    source = ours.get_feature_view("profile").batch_source
    job = ours._get_provider().offline_store.pull_all_from_table_or_query(
        config=ours.config,
        data_source=source,
        join_key_columns=["customer_id"],
        feature_name_columns=["spend"],
        timestamp_field="event_timestamp",
        start_date=at("2024-01-05"),
        end_date=at("2024-01-10"),
    )
    assert pl.from_arrow(job.to_arrow())["spend"].to_list() == [2.0, 3.0, 4.0, None]


def test_a_query_and_a_period_are_refused_in_words(ours):
    with pytest.raises(FeatureError, match="found an entity frame as str, wanted rows of keys and times"):
        answers(ours, "select * from customers")
    with pytest.raises(FeatureError, match=r"found features between .* wanted rows of keys and times"):
        answers(ours, None, start_date=datetime(2024, 1, 1), end_date=datetime(2024, 2, 1))


def test_features_are_not_written_past_the_pipeline(ours):
    rows = pl.read_parquet(Path(ours.get_feature_view("profile").batch_source.path) / "1.parquet")
    with pytest.raises(FeatureError, match="4 rows were to be written to the history of 'profile'"):
        ours.write_to_offline_store("profile", rows.to_pandas())


def test_a_memory_of_nothing_is_refused():
    with pytest.raises(ValueError, match="memory_gb"):
        AsOfOfflineStoreConfig(memory_gb=0)
