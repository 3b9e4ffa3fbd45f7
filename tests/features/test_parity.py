"""The same customer and moment: equal everywhere, and what is not is named."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from attune.adapters.feast import FeastStore
from attune.adapters.online_sqlite import SqliteRows
from attune.columns import CUSTOMER_ID
from attune.config import Workspace
from attune.features.offline_values import OfflineValues
from attune.features.packing import Layout
from attune.features.parity import Served, compare, compare_answers
from attune.features.parity_report import ANY_FEATURE, ParityReport
from attune.features.push import Pusher
from attune.features.row_store import RowStore, write_frame
from attune.features.schema import CUSTOMER_ACTIVITY, VIEWS
from attune.features.settings import FeatureSettings
from attune.features.snapshot_values import SnapshotValues
from attune.features.value_digest import digests_of
from tests.features.live_shop import ONLINE, copy_of, customer, lines, open_shop

NOW = datetime.now(UTC)
BUILT = ("customer_profile", "customer_activity", "customer_history")


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Workspace:
    return open_shop(tmp_path_factory.mktemp("opened"))


@pytest.fixture
def shop(opened, tmp_path) -> Workspace:
    return copy_of(opened, tmp_path / "shop")


@pytest.fixture
def store(shop) -> RowStore:
    return SqliteRows(shop.feast / "online.db", read_seconds=5)


def proven(shop: Workspace, store: RowStore, served: tuple[Served, ...] = ()) -> ParityReport:
    feast = FeastStore(shop)
    offline = OfflineValues(feast, shop.tables, shop.features, FeatureSettings())
    return compare(offline, store, [customer(shop, each) for each in range(6)], ONLINE, served)


def words(report: ParityReport, side: str) -> dict[str, str]:
    return {proof.view: proof.word for proof in report.proofs if proof.side == side}


def seed(store: RowStore, who: str, **values: Any) -> None:
    """Change values of a customer online, at the moment they are of."""
    reader = Layout.of(CUSTOMER_ACTIVITY).reader(CUSTOMER_ACTIVITY.feature_names)
    ((row,),) = store.get_many(["customer_activity"], [who])
    assert row is not None
    held = dict(zip(CUSTOMER_ACTIVITY.feature_names, reader.one(row)[1], strict=True)) | values
    frame = pl.DataFrame([{"customer_id": who} | held]).with_columns(
        pl.lit(ONLINE, pl.Datetime("us", "UTC")).alias(name)
        for name in ("event_timestamp", "created_timestamp")
    )
    write_frame(store, Layout.of(CUSTOMER_ACTIVITY), "customer_id", frame, NOW)


def test_what_was_built_and_what_was_pushed_is_equal_to_the_last_bit(shop, store):
    pusher = Pusher(shop.tables, store, FeatureSettings())
    pusher.push(lines(shop, {}, {"customer_id": customer(shop, 1), "interaction_id": "other"}), NOW)
    report = proven(shop, store)
    assert {view: words(report, "online")[view] for view in BUILT} == dict.fromkeys(BUILT, "equal")
    assert report.differences == []


def test_a_value_that_was_changed_online_is_found_and_named(shop, store):
    seed(store, customer(shop, 3), orders_30d=99)
    report = proven(shop, store)
    (found,) = report.differences
    assert (found.view, found.feature, found.customer) == (
        "customer_activity",
        "orders_30d",
        customer(shop, 3),
    )
    assert found.other == 99
    assert found.offline != 99
    assert report.word == "skewed"


def test_a_customer_who_is_missing_online_is_found(shop, store):
    store.delete(["customer_history"], customer(shop, 2))
    found = proven(shop, store).differences
    assert {(each.customer, each.other) for each in found} == {(customer(shop, 2), None)}


def used_of(shop: Workspace, number: int) -> tuple[Served, ...]:
    """What an answer about a customer rests on now."""
    (row,) = FeastStore(shop).online("recommend_v1", [customer(shop, number)], ONLINE)
    return tuple(
        Served("recommend_v1", view, row.key, datetime.fromisoformat(each["as_of"]), each["digest"], NOW)
        for view, each in digests_of("recommend_v1", row).items()
    )


def test_what_serving_used_is_compared_by_its_digest(shop, store):
    used = used_of(shop, 0)
    found = words(proven(shop, store, used), "served")
    assert {view: found.pop(view) for view in BUILT} == dict.fromkeys(BUILT, "equal")
    assert set(found.values()) == {"not computed"}
    wrong = Served("recommend_v1", "customer_history", customer(shop, 0), ONLINE, "00", NOW)
    (found,) = proven(shop, store, (*used, wrong)).differences
    assert (found.view, found.feature, found.other) == ("customer_history", ANY_FEATURE, "00")


def test_what_nobody_brought_online_is_not_computed_and_never_equal(shop, tmp_path):
    report = proven(shop, SqliteRows(tmp_path / "empty.db"))
    assert report.word == "not computed"


def test_only_views_about_customers_that_are_online_are_compared(shop, store):
    online = {view.name for view in VIEWS.values() if view.online and view.key == CUSTOMER_ID}
    assert {proof.view for proof in proven(shop, store).proofs} == online


def test_a_look_at_answers_needs_only_snapshots_and_names_the_feature_of_a_row_that_is_still_online(
    shop, store
):
    equal = compare_answers(SnapshotValues(shop.features), store, used_of(shop, 3))
    assert (equal.word, len(equal.proofs), equal.skew) == ("equal", 3, "")
    seed(store, customer(shop, 3), orders_90d=99)
    wrong = compare_answers(SnapshotValues(shop.features), store, used_of(shop, 3))
    assert wrong.skew == "customer_activity.orders_90d in 1 of 3 rows"
    (found,) = wrong.differences
    assert found.other == 99
    store.delete(["customer_activity"], customer(shop, 3))
    gone = compare_answers(
        SnapshotValues(shop.features),
        store,
        [Served("recommend_v1", "customer_activity", customer(shop, 3), ONLINE, "00", NOW)],
    )
    assert gone.skew == "customer_activity in 1 of 1 rows"


def test_a_moment_between_snapshots_is_left_to_the_back_fill(shop, store):
    between = Served("recommend_v1", "customer_activity", customer(shop, 3), NOW, "00", NOW)
    assert compare_answers(SnapshotValues(shop.features), store, [between]).word == "not computed"


def test_snapshots_alone_say_what_the_join_of_training_says(shop):
    offline = OfflineValues(FeastStore(shop), shop.tables, shop.features, FeatureSettings())
    asked = {ONLINE: [customer(shop, each) for each in range(6)]}
    for view in BUILT[1:]:
        assert SnapshotValues(shop.features).at(view, asked) == offline.at(view, asked)
