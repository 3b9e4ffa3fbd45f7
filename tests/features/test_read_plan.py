"""What serving is told of each feature: its value, its time, and whether it can be used."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from attune.adapters.online_sqlite import SqliteRows
from attune.errors import FeatureError
from attune.features.online import STATUSES
from attune.features.packing import Layout
from attune.features.read_plan import OnlineReader
from attune.features.row_store import write_frame
from attune.features.schema import VIEWS, View

SUNDAY = datetime(2017, 6, 11, tzinfo=UTC)
VALUES = {"string": "x", "int64": 3, "float64": 0.5, "list[string]": ["a"], "list[int64]": [1]}
AGES = {
    "fresh": (timedelta(0), "present"),
    "at the end of its life": (timedelta(days=7), "present"),
    "a moment older": (timedelta(days=7, microseconds=1), "stale"),
    "at the end of its grace": (timedelta(days=14), "stale"),
    "a moment older still": (timedelta(days=14, microseconds=1), "expired"),
    "not yet": (timedelta(microseconds=-1), "missing"),
}


def row_of(view: View, customer: str, **changes: object) -> pl.DataFrame:
    values = {feature.name: VALUES[feature.type] for feature in view.features} | changes
    time = {"event_timestamp": SUNDAY, "created_timestamp": SUNDAY}
    return pl.DataFrame({"customer_id": [customer]} | {k: [v] for k, v in (values | time).items()})


@pytest.fixture
def reader(tmp_path: Path) -> OnlineReader:
    store = SqliteRows(tmp_path / "online.db")
    for name in ("customer_profile", "customer_activity", "customer_history"):
        view = VIEWS[name]
        write_frame(store, Layout.of(view), "customer_id", row_of(view, "ann"), SUNDAY)
    gap = row_of(VIEWS["customer_activity"], "bob", orders_7d=None)
    write_frame(store, Layout.of(VIEWS["customer_activity"]), "customer_id", gap, SUNDAY)
    return OnlineReader(store)


@pytest.mark.parametrize("age", AGES)
def test_a_status_says_how_old_a_value_is(reader, age):
    later, status = AGES[age]
    (row,) = reader.online("churn_v1", ["ann"], SUNDAY + later)
    table = reader.columns("churn_v1", ["ann"], SUNDAY + later)
    assert row.statuses["orders_7d"] == STATUSES[table.statuses["orders_7d"][0]] == status
    assert row.values["orders_7d"] == (3 if status in ("present", "stale") else None)
    assert row.event_timestamps["orders_7d"] == (None if status == "missing" else SUNDAY)
    assert row.known == (status != "missing")


def test_a_null_is_missing_and_the_rest_of_its_row_is_not(reader):
    (row,) = reader.online("churn_v1", ["bob"], SUNDAY)
    assert (row.statuses["orders_7d"], row.event_timestamps["orders_7d"]) == ("missing", None)
    assert (row.statuses["orders_30d"], row.values["orders_30d"]) == ("present", 3)
    assert row.statuses["age_band"] == "missing"


def test_columns_say_the_same_as_rows(reader):
    asked = ["bob", "nobody", "ann"]
    rows, table = (read("recommend_v1", asked, SUNDAY) for read in (reader.online, reader.columns))
    for place, row in enumerate(rows):
        for name, status in row.statuses.items():
            assert STATUSES[table.statuses[name][place]] == status
            if status == "present":
                assert table.values[name][place] == row.values[name]
    assert np.count_nonzero(table.event_timestamps["tenure_days"]) == 2


def test_features_come_in_the_order_of_the_service(reader):
    (row,) = reader.online("recommend_v1", ["ann"], SUNDAY)
    assert list(row.values)[:4] == ["history_items", "history_times", "age_band", "income_band"]


def test_nobody_asked_is_nobody_answered_also_as_columns(reader):
    assert reader.online("churn_v1", [], SUNDAY) == []
    assert len(reader.columns("churn_v1", [], SUNDAY).values["orders_7d"]) == 0


def test_an_unknown_service_is_refused_in_words(reader):
    with pytest.raises(FeatureError, match="no feature service named 'churn_v9'"):
        reader.online("churn_v9", ["ann"], SUNDAY)
