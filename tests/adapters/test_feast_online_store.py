"""Feast's own SDK writes and reads the rows that serving reads, by our rules, in both stores."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, PushSource, ValueType
from feast.data_format import ParquetFormat
from feast.repo_config import RepoConfig
from feast.types import Array, Float64, Int64, String, UnixTimestamp

from attune.adapters.feast_online_store import PackedOnlineStore
from attune.adapters.online_stores import ONLINE_STORE_VARIABLE
from attune.errors import FeatureError

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
NAMES = ["orders", "share", "band", "items", "times"]
projects = itertools.count()


@pytest.fixture(params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureStore:
    url = "" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    monkeypatch.setenv(ONLINE_STORE_VARIABLE, url)
    kind = "attune.adapters.feast_online_store.PackedOnlineStore"
    store = FeatureStore(
        config=RepoConfig(
            project=f"feast_{next(projects)}",
            provider="local",
            registry={"path": str(tmp_path / "registry.pb")},
            online_store={"type": kind, "path": str(tmp_path / "online.db")},
            offline_store={"type": "duckdb"},
            entity_key_serialization_version=3,
        )
    )
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    table(("ann", 0, 1)).to_parquet(tmp_path / "rows.parquet")
    batch = FileSource(
        name="rows",
        path=str(tmp_path / "rows.parquet"),
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    kinds = dict(zip(NAMES, [Int64, Float64, String, Array(String), Array(Int64)], strict=True))
    view = FeatureView(
        name="shopper",
        entities=[customer],
        ttl=timedelta(days=3650),
        source=PushSource(name="pushed", batch_source=batch),
        schema=[Field(name=name, dtype=dtype) for name, dtype in kinds.items()],
    )
    store.apply([customer, view, FeatureService(name="shopper_v1", features=[view])])
    return store


def table(*rows: tuple[str, float, int | None]) -> pd.DataFrame:
    """Rows of customer, hours after noon, and orders."""
    times = [NOON + timedelta(hours=hours) for _, hours, _ in rows]
    stamps = pd.DatetimeIndex(times).as_unit("us")
    return pd.DataFrame(
        {
            "customer_id": [customer for customer, _, _ in rows],
            "event_timestamp": stamps,
            "created": stamps,
            "orders": pd.array([count for _, _, count in rows], dtype="Int64"),
            "share": [0.5] * len(rows),
            "band": ["b"] * len(rows),
            "items": [["x", "y"]] * len(rows),
            "times": [[1, 2]] * len(rows),
        }
    )


def orders(feast: FeatureStore, *customers: str) -> list[int | None]:
    answer = feast.get_online_features(
        features=feast.get_feature_service("shopper_v1"),
        entity_rows=[{"customer_id": customer} for customer in customers],
    ).to_dict()
    found: list[int | None] = answer["orders"]
    return found


def test_what_feast_writes_feast_reads_back_equal(feast):
    feast.write_to_online_store("shopper", table(("ann", 0, 1), ("bob", 0, None)))
    answer = feast.get_online_features(
        features=[f"shopper:{name}" for name in NAMES],
        entity_rows=[{"customer_id": name} for name in ("bob", "zoe", "ann")],
    ).to_dict(include_event_timestamps=True)
    assert answer["orders"] == [None, None, 1]
    assert answer["share"] == [0.5, None, 0.5]
    assert answer["band"] == ["b", None, "b"]
    assert answer["items"] == [["x", "y"], None, ["x", "y"]]
    assert answer["times"] == [[1, 2], None, [1, 2]]
    assert answer["share__ts"] == [int(NOON.timestamp()), 0, int(NOON.timestamp())]


def test_feast_cannot_write_an_older_row_over_a_newer_one_or_one_from_the_future(feast, capsys):
    feast.push("pushed", table(("ann", 1, 2)))
    feast.push("pushed", table(("ann", 0, 1)))
    ahead = (datetime.now(UTC) - NOON) / timedelta(hours=1) + 1
    feast.push("pushed", table(("ann", ahead, 3)))
    assert orders(feast, "ann") == [2]
    assert "shopper, 1 rows from the future refused" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_feast_materializes_to_the_same_rows(feast):
    feast.materialize(NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert orders(feast, "ann") == [1]


def test_a_type_that_is_not_served_is_named(feast):
    view = feast.get_feature_view("shopper")
    view.features.append(Field(name="when", dtype=UnixTimestamp))
    with pytest.raises(FeatureError, match="feature 'when' of view 'shopper' has a type that is not served"):
        PackedOnlineStore().online_read(feast.config, view, [])
