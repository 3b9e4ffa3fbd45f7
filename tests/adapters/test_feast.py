"""The feature store: point-in-time rows without a trap, and online values that say how fresh they are."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feast import FeatureStore

from attune.adapters.feast import FEATURE_REPO, FeastStore
from attune.adapters.feast_definitions import load_config
from attune.config import Workspace
from attune.errors import FeatureError
from attune.features.build import build_features
from attune.features.online import FeatureStatus
from attune.features.schema import CUSTOMER_ACTIVITY, SERVICES, VIEWS, features_of, key_of
from attune.features.settings import FeatureSettings
from attune.features.snapshots import write_snapshot
from tests.features.purchases import TIME, at, bought, table, write_tables

FIRST, SECOND, THIRD = at("2017-06-04"), at("2017-06-11"), at("2017-06-18")


def activity(**orders: int | None) -> pl.DataFrame:
    """Snapshot rows: customer=orders of the last 7 days, everything else as it may be."""
    names = CUSTOMER_ACTIVITY.feature_names
    types = {feature.name: feature.type for feature in CUSTOMER_ACTIVITY.features}
    rows = [
        {"customer_id": customer} | {name: count if name == "orders_7d" else 1 for name in names}
        for customer, count in orders.items()
    ]
    numbers = {name: pl.Int64 if types[name] == "int64" else pl.Float64 for name in names}
    return pl.DataFrame(rows, schema={"customer_id": pl.String} | numbers)


def asked(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"customer_id": [row[0] for row in rows], "event_timestamp": [at(row[1]) for row in rows]},
        schema={"customer_id": pl.String, "event_timestamp": TIME},
    )


@pytest.fixture(scope="module")
def trapped(tmp_path_factory) -> FeastStore:
    """Two weekly snapshots, and rows of the second that were recorded two days late."""
    workspace = Workspace(root=tmp_path_factory.mktemp("trapped"))
    folder = workspace.features / "customer_activity"
    write_snapshot(activity(ann=1, bob=1, cid=None), folder / "2017-06-04.parquet", FIRST, "")
    write_snapshot(activity(ann=2, cid=2), folder / "2017-06-11.parquet", SECOND, "")
    late = pl.lit(at("2017-06-13")).cast(TIME)
    corrected = activity(ann=20, eve=20).with_columns(event_timestamp=pl.lit(SECOND).cast(TIME))
    corrected.with_columns(created_timestamp=late).write_parquet(folder / "2017-06-12.parquet")
    profile = pl.DataFrame(
        {"customer_id": ["ann"]} | {n: ["x"] for n in VIEWS["customer_profile"].feature_names}
    )
    write_snapshot(profile, workspace.features / "customer_profile/2017-01-01.parquet", at("2017-01-01"), "")
    store = FeastStore(workspace)
    store.apply()
    return store


TRAPS = {
    "the exact moment of a snapshot counts": ("ann", "2017-06-04", 1),
    "one second earlier it does not": ("ann", "2017-06-03T23:59:59", None),
    "the latest snapshot wins": ("ann", "2017-06-12", 2),
    "a correction is not known before it was recorded": ("ann", "2017-06-12T23:59:59", 2),
    "a correction is known once it was recorded": ("ann", "2017-06-13", 20),
    "a late row is not known before it was recorded": ("eve", "2017-06-12", None),
    "a late row is known afterwards": ("eve", "2017-06-14", 20),
    "a value lives to the last moment of its time": ("bob", "2017-06-11", 1),
    "and not a second longer": ("bob", "2017-06-11T00:00:01", None),
    "an empty value is not replaced by an older one": ("cid", "2017-06-05", None),
    "an unknown customer keeps the row": ("zoe", "2017-06-12", None),
    "a time before all history keeps the row": ("ann", "2016-01-01", None),
}


def test_no_row_knows_more_than_it_could(trapped):
    rows = asked(*((customer, when) for customer, when, _ in TRAPS.values()))
    orders = trapped.historical("churn_v1", rows)["orders_7d"].to_list()
    assert dict(zip(TRAPS, orders, strict=True)) == {name: trap[2] for name, trap in TRAPS.items()}


def test_rows_come_back_in_the_order_asked_equal_ones_too(trapped):
    rows = asked(("bob", "2017-06-05"), ("ann", "2017-06-12"), ("ann", "2017-06-05"), ("ann", "2017-06-12"))
    answer = trapped.historical("churn_v1", rows)
    assert answer.select("customer_id", "event_timestamp").equals(rows)
    assert answer["orders_7d"].to_list() == [1, 2, 1, 2]


def test_columns_are_key_time_and_the_service_in_its_order(trapped):
    answer = trapped.historical("churn_v1", asked(("ann", "2017-06-05")))
    assert answer.columns == ["customer_id", "event_timestamp", *features_of("churn_v1")]


def test_an_unknown_service_is_refused_in_words(trapped):
    with pytest.raises(FeatureError, match="no feature service named 'churn_v9'"):
        trapped.historical("churn_v9", asked(("ann", "2017-06-05")))


def test_a_view_without_snapshots_is_refused_in_words(trapped):
    with pytest.raises(FeatureError, match="no snapshots of 'customer_history'"):
        trapped.historical("recommend_v1", asked(("ann", "2017-06-05")))


# A small shop, computed by the real code, from here on.


def build(workspace: Workspace, dates: Sequence[datetime]) -> FeastStore:
    lines = [bought("ann", "bread", f"2017-05-{day:02}T08:00", amount=day / 3) for day in range(1, 30)]
    lines += [bought("bob", "milk", "2017-06-05"), bought("bob", "bread", "2017-06-12T10:00")]
    write_tables(workspace.tables, table(*lines))
    build_features(workspace.tables, workspace.features, dict.fromkeys(SERVICES, dates), FeatureSettings())
    store = FeastStore(workspace)
    store.apply()
    return store


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> FeastStore:
    store = build(Workspace(root=tmp_path_factory.mktemp("shop")), [FIRST, SECOND, THIRD])
    store.materialize(SECOND)
    return store


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_can_be_retrieved(shop, service):
    key = key_of(service)
    keys = ["ann", "bob"] if key == "customer_id" else ["bread", "milk"]
    rows = pl.DataFrame(
        {key: keys, "event_timestamp": [SECOND] * 2}, schema_overrides={"event_timestamp": TIME}
    )
    answer = shop.historical(service, rows)
    assert answer.columns == [key, "event_timestamp", *features_of(service)]
    assert answer.null_count().row(0) == (0,) * answer.width


@pytest.mark.parametrize("service", [name for name in SERVICES if key_of(name) == "customer_id"])
def test_an_online_value_equals_the_offline_value_of_the_same_date(shop, service):
    offline = shop.historical(service, asked(("ann", "2017-06-11"), ("bob", "2017-06-11"))).to_dicts()
    online = shop.online(service, ["ann", "bob"], SECOND)
    for expected, row in zip(offline, online, strict=True):
        assert dict(row.values) == {name: expected[name] for name in features_of(service)}


def status(store: FeastStore, customer: str, now: datetime) -> dict[str, Any]:
    (row,) = store.online("churn_v1", [customer], now)
    names = ("age_band", "orders_7d")
    return {name: (row.statuses[name].value, row.event_timestamps[name]) for name in names}


def test_a_value_is_present_as_long_as_it_lives(shop):
    assert status(shop, "ann", SECOND + timedelta(days=7))["orders_7d"] == ("present", SECOND)


def test_a_value_older_than_its_time_to_live_is_given_but_stale(shop):
    now = SECOND + timedelta(days=7, seconds=1)
    assert status(shop, "ann", now) == {
        "age_band": ("present", at("2017-05-01")),
        "orders_7d": ("stale", SECOND),
    }
    (row,) = shop.online("churn_v1", ["ann"], now)
    assert row.values["orders_90d"] == 29
    assert row.known


def test_an_unknown_customer_has_everything_missing(shop):
    (row,) = shop.online("churn_v1", ["nobody"], SECOND)
    assert set(row.statuses.values()) == {FeatureStatus.MISSING}
    assert set(row.values.values()) == set(row.event_timestamps.values()) == {None}
    assert not row.known


def test_a_value_from_after_now_is_not_given(shop):
    (row,) = shop.online("churn_v1", ["ann"], FIRST)
    assert (row.statuses["orders_7d"], row.values["orders_7d"]) == (FeatureStatus.MISSING, None)


def test_answers_keep_the_order_asked_also_for_a_customer_asked_twice(shop):
    rows = shop.online("recommend_v1", ["bob", "nobody", "ann", "bob"], SECOND)
    assert [row.key for row in rows] == ["bob", "nobody", "ann", "bob"]
    assert [row.known for row in rows] == [True, False, True, True]
    assert rows[0].values["history_items"] == ["milk"]


def test_nobody_asked_is_nobody_answered(shop):
    assert shop.online("churn_v1", [], SECOND) == []


def test_how_popular_items_are_is_served_online(shop):
    (bread, nothing) = shop.online("popularity_v1", ["bread", "nothing"], SECOND)
    assert (bread.known, nothing.known) == (True, False)
    assert bread.values["item_orders_90d"] >= 1


def test_a_rebuild_puts_older_features_online_and_a_later_date_later_ones(workspace):
    store = build(workspace, [FIRST, SECOND, THIRD])
    seen = []
    for now in (THIRD, FIRST, SECOND):
        store.materialize(now, rebuild=now == FIRST)
        (row,) = store.online("churn_v1", ["ann"], now)
        seen.append((row.event_timestamps["orders_7d"], row.statuses["orders_7d"]))
        (bob,) = store.online("churn_v1", ["bob"], now)
        assert bob.statuses["orders_7d"] == ("missing" if now == FIRST else "present")
    assert seen == [(THIRD, "present"), (FIRST, "present"), (SECOND, "present")]


def test_going_back_in_time_without_a_rebuild_is_refused_in_words(workspace):
    store = build(workspace, [FIRST, SECOND])
    store.materialize(SECOND)
    with pytest.raises(
        FeatureError, match="online as of 2017-06-11, later than 2017-06-04; ask for a rebuild"
    ):
        store.materialize(FIRST)
    assert store.online_as_of() == SECOND


def test_a_reader_sees_what_another_store_brought_online(workspace):
    reader = build(workspace, [FIRST, SECOND])
    writer = FeastStore(workspace)
    times = []
    for now in (FIRST, SECOND):
        writer.materialize(now)
        (row,) = reader.online("churn_v1", ["ann"], SECOND)
        times.append(row.event_timestamps["orders_7d"])
    assert times == [FIRST, SECOND]


def test_what_is_online_already_is_left_alone(workspace):
    store = build(workspace, [FIRST, SECOND])
    first, again = store.materialize(SECOND), store.materialize(SECOND)
    assert (again.files, again.kept) == (0, first.files)


def test_a_customer_who_is_deleted_has_no_row_in_any_view(workspace):
    store = build(workspace, [FIRST])
    store.materialize(FIRST)
    assert store.delete("ann") == sum(view.key == "customer_id" for view in VIEWS.values() if view.online)
    ann, bob = store.online("churn_v1", ["ann", "bob"], FIRST)
    assert (ann.known, bob.known) == (False, True)


def test_feast_reads_the_rows_that_serving_reads(workspace):
    store = build(workspace, [FIRST, SECOND])
    store.materialize(SECOND)
    (ours,) = store.online("recommend_v1", ["ann"], SECOND)
    feast = FeatureStore(
        config=load_config(
            FEATURE_REPO, workspace, workspace.feast / "registry.pb", workspace.feast / "online.db"
        )
    )
    theirs = feast.get_online_features(
        features=feast.get_feature_service("recommend_v1"), entity_rows=[{"customer_id": "ann"}]
    ).to_dict()
    assert {name: found for name, (found,) in theirs.items()} == {"customer_id": "ann"} | dict(ours.values)


def test_what_a_killed_run_left_does_not_disturb(workspace):
    store = build(workspace, [FIRST])
    staging = workspace.feast / ".staging"
    staging.mkdir()
    (staging / "online.db").write_bytes(b"half a database")
    (staging / "registry.pb").write_bytes(b"half a registry")
    store.apply()
    store.materialize(FIRST)
    assert store.online("churn_v1", ["ann"], FIRST)[0].known
    assert not staging.exists()


def test_two_writers_at_once_both_come_to_their_end(workspace):
    build(workspace, [FIRST])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda now: FeastStore(workspace).materialize(now), [FIRST, FIRST]))
    assert FeastStore(workspace).online("churn_v1", ["ann"], FIRST)[0].known


def test_reading_before_anything_is_online_is_refused_in_words(workspace):
    with pytest.raises(FeatureError, match=r"no online features .* run the features pipeline first"):
        FeastStore(workspace).online("churn_v1", ["ann"], FIRST)


def test_joining_before_anything_is_declared_is_refused_in_words(workspace):
    build_features_only(workspace)
    with pytest.raises(FeatureError, match=r"no feature registry .* run the features pipeline first"):
        FeastStore(workspace).historical("churn_v1", asked(("ann", "2017-06-05")))


def build_features_only(workspace: Workspace) -> None:
    write_tables(workspace.tables, table(bought("ann", "bread", "2017-05-01")))
    build_features(workspace.tables, workspace.features, {"churn_v1": [FIRST]}, FeatureSettings())
