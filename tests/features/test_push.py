"""What is pushed is in the log and online at once, and is what a later build computes from the log."""

import itertools
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from attune.adapters.online_redis import RedisRows
from attune.adapters.online_sqlite import SqliteRows
from attune.config import Workspace
from attune.data.interaction_log import InteractionLog
from attune.errors import DataError
from attune.features.inputs import FeatureInputs
from attune.features.materialize import materialize
from attune.features.push import Pusher
from attune.features.read_plan import OnlineReader
from attune.features.row_store import RowStore
from attune.features.schema import VIEWS
from attune.features.session import open_session
from attune.features.settings import FeatureSettings
from tests.features.live_shop import ONLINE, build, customer, lines, open_shop

SERVICE = {"customer_activity": "churn_v1", "customer_history": "recommend_v1"}
POPULARITY = {"item_popularity": "popularity_v1"}
NOW = datetime.now(UTC)
MIDNIGHT = datetime(2017, 3, 5, tzinfo=UTC)
projects = itertools.count()


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Workspace:
    return open_shop(tmp_path_factory.mktemp("opened"))


@pytest.fixture
def shop(opened, tmp_path) -> Workspace:
    shutil.copytree(opened.root, tmp_path / "shop")
    return Workspace(root=tmp_path / "shop")


@pytest.fixture
def store(shop) -> RowStore:
    return SqliteRows(shop.feast / "online.db", read_seconds=5)


@pytest.fixture
def pusher(shop, store) -> Pusher:
    return Pusher(shop.tables, store, FeatureSettings())


def online(store: RowStore, view: str, who: str, now: datetime) -> dict[str, Any]:
    (row,) = OnlineReader(store).online((SERVICE | POPULARITY)[view], [who], now)
    return {name: row.values[name] for name in VIEWS[view].feature_names}


def offline(shop: Workspace, view: str, who: str, as_of: datetime, scratch: Path) -> dict[str, Any]:
    """What a back-fill over tables and log computes for a moment."""
    with open_session(FeatureInputs(shop.tables), FeatureSettings(), scratch, {view: [as_of]}) as session:
        _, batches = session.rows(view, as_of)
        rows = pl.concat(pl.DataFrame(pl.from_arrow(batch)) for batch in batches)
    key = VIEWS[view].key
    return rows.drop(key).row(rows[key].to_list().index(who), named=True)


def logged(shop: Workspace) -> list[str]:
    return InteractionLog(shop.tables).rows("customer_id", [customer(shop, 0)])["interaction_id"].to_list()


@pytest.mark.parametrize("engine", ["sqlite", "redis"])
def test_the_next_read_shows_what_was_pushed(shop, store, engine, request):
    if engine == "redis":
        store = RedisRows(request.getfixturevalue("redis_url"), f"push-{next(projects)}", read_seconds=5)
        materialize(store, shop.features, [VIEWS["customer_profile"]], ONLINE, rebuild=False)
    pusher = Pusher(shop.tables, store, FeatureSettings())
    first, second = NOW - timedelta(seconds=2), NOW - timedelta(seconds=1)
    pusher.push(lines(shop, {"event_timestamp": first}), NOW)
    pusher.push(lines(shop, {"event_timestamp": second, "interaction_id": "2", "item_id": "item 7"}), NOW)
    history = online(store, "customer_history", customer(shop, 0), NOW)
    assert history["history_items"][-2:] == ["item 1", "item 7"]
    assert history["history_times"][-1] == int(second.timestamp())


@pytest.mark.parametrize("view", SERVICE)
def test_an_online_row_equals_what_a_back_fill_computes_for_its_moment(shop, store, pusher, view, tmp_path):
    moment = "2017-03-01T09:30:00.123456Z"
    back = {"event": "return", "interaction_id": "back", "amount": 1.0, "event_timestamp": moment}
    pusher.push(lines(shop, {}, back, {"customer_id": customer(shop, 1), "interaction_id": "other"}), NOW)
    as_of = datetime.fromisoformat(moment) + timedelta(microseconds=1)
    for who in (customer(shop, 0), customer(shop, 1)):
        assert online(store, view, who, as_of) == offline(shop, view, who, as_of, tmp_path)


def test_an_item_is_as_popular_online_as_a_back_fill_says_once_it_was_bought(shop, store, pusher, tmp_path):
    moment = "2017-03-01T09:30:00.123456Z"
    as_of = datetime.fromisoformat(moment) + timedelta(microseconds=1)
    pusher.push(lines(shop, {"event_timestamp": moment}), NOW)
    once = online(store, "item_popularity", "item 1", as_of)
    assert once == offline(shop, "item_popularity", "item 1", as_of, tmp_path)
    other = {"customer_id": customer(shop, 1), "interaction_id": "other", "order_id": "other"}
    pusher.push(lines(shop, other | {"event_timestamp": moment}), NOW)
    twice = online(store, "item_popularity", "item 1", as_of)
    assert twice["item_orders_7d"] == once["item_orders_7d"] + 1


def test_the_next_build_reads_the_log_and_brings_the_same_row_online(shop, store, pusher):
    pusher.push(lines(shop, {"created_timestamp": MIDNIGHT}), NOW)  # known from that midnight on
    before = store.get_many(list(SERVICE), [customer(shop, 0)])
    build(shop, MIDNIGHT)
    report = materialize(store, shop.features, [VIEWS[view] for view in SERVICE], MIDNIGHT, rebuild=False)
    assert store.get_many(list(SERVICE), [customer(shop, 0)]) == before
    assert report.rows.duplicate == 2


def test_what_is_pushed_again_changes_nothing(shop, store, pusher):
    pusher.push(lines(shop, {}), NOW)
    before = store.get_many(list(SERVICE), [customer(shop, 0)])
    again = pusher.push(lines(shop, {}, {"interaction_id": "new 0", "order_id": "new order 0"}), NOW)
    assert (again.accepted, again.duplicate, again.online.written) == (0, 2, 0)
    assert store.get_many(list(SERVICE), [customer(shop, 0)]) == before
    assert logged(shop) == ["new 0"]


def test_an_older_interaction_finds_its_place_and_no_row_gets_older(shop, store, pusher, tmp_path):
    late = {"interaction_id": "late", "item_id": "item 9", "event_timestamp": "2017-02-27T10:00Z"}
    pusher.push(lines(shop, {}), NOW)
    pusher.push(lines(shop, late), NOW)
    as_of = datetime(2017, 2, 28, 10, 0, 0, 1, tzinfo=UTC)
    history = online(store, "customer_history", customer(shop, 0), as_of)
    assert history["history_items"][-2:] == ["item 9", "item 1"]
    assert history == offline(shop, "customer_history", customer(shop, 0), as_of, tmp_path)


def test_a_corrected_interaction_counts_as_it_was_corrected(shop, store, pusher):
    pusher.push(lines(shop, {}), NOW)
    report = pusher.push(lines(shop, {"item_id": "item 5", "created_timestamp": MIDNIGHT}), NOW)
    history = online(store, "customer_history", customer(shop, 0), MIDNIGHT)
    assert report.accepted == 1
    assert history["history_items"][-1] == "item 5"
    assert history["history_times"].count(int(datetime(2017, 2, 28, 10, tzinfo=UTC).timestamp())) == 1


def test_the_far_future_is_refused_and_counted_and_the_near_one_waits_until_it_has_happened(
    shop, store, pusher
):
    soon, far = NOW + timedelta(minutes=4), NOW + timedelta(minutes=6)
    here = {"event_timestamp": NOW - timedelta(hours=1), "interaction_id": "here", "item_id": "item 3"}
    report = pusher.push(
        lines(shop, here, {"event_timestamp": soon}, {"event_timestamp": far, "interaction_id": "far"}), NOW
    )
    assert (report.accepted, report.ahead, report.future) == (2, 1, 1)
    assert online(store, "customer_history", customer(shop, 0), NOW)["history_items"][-1] == "item 3"
    assert logged(shop) == ["here", "new 1"]


def test_what_is_about_to_happen_is_waited_for(shop, store, pusher):
    now = datetime.now(UTC)
    soon = now + timedelta(milliseconds=200)
    report = pusher.push(lines(shop, {"event_timestamp": soon, "item_id": "item 3"}), now)
    assert (report.accepted, report.ahead) == (1, 0)
    history = online(store, "customer_history", customer(shop, 0), datetime.now(UTC))
    assert history["history_items"][-1] == "item 3"


WRONG = {
    "is below 0": {"amount": -1.0},
    "is not in the table items": {"item_id": "nothing"},
    "is not in the table customers": {"customer_id": "c_" + "0" * 32},
    "is no pseudonym": {"customer_id": "customer 0"},
    "is neither purchase nor return": {"event": "look"},
}


def test_a_row_that_breaks_the_contract_is_refused_with_its_reason_and_the_others_go_on(shop, pusher):
    report = pusher.push(lines(shop, {}, *WRONG.values()), NOW)
    assert report.accepted == 1
    assert [*report.refused] == [1, 2, 3, 4, 5]
    assert all(rule in reason for rule, reason in zip(WRONG, report.refused.values(), strict=True))
    assert "customer 0" not in str(report.refused)


def test_without_tables_nothing_can_be_pushed_and_it_says_so(shop, store, tmp_path):
    with pytest.raises(DataError, match="import data first"):
        Pusher(tmp_path / "none", store, FeatureSettings()).push(lines(shop, {}), NOW)


PUSH_FOR_EVER = """
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from attune.adapters.online_sqlite import SqliteRows
from attune.config import Workspace
from attune.features.push import Pusher
from attune.features.settings import FeatureSettings
from tests.features.live_shop import lines

shop = Workspace(root=Path(sys.argv[1]))
pusher = Pusher(shop.tables, SqliteRows(shop.feast / "online.db"), FeatureSettings())
for number in range(10_000):
    moment = f"2017-03-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    pusher.push(lines(shop, {"interaction_id": str(number), "event_timestamp": moment}), datetime.now(UTC))
    print(number, flush=True)
"""


def test_a_kill_loses_nothing_that_was_promised_and_the_same_push_again_mends_the_rest(
    shop, store, pusher, tmp_path
):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", PUSH_FOR_EVER, str(shop.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        promised = [next(process.stdout).strip() for _ in range(5)]
        time.sleep(0.05)
        process.kill()
    found = logged(shop)
    assert found[: len(promised)] == promised
    assert found == [str(number) for number in range(len(found))]
    last = len(found) - 1
    again = lines(shop, {"interaction_id": str(last), "event_timestamp": f"2017-03-01T00:00:{last:02}Z"})
    assert pusher.push(again, NOW).duplicate == 1
    as_of = datetime(2017, 3, 1, 0, 0, last, 1, tzinfo=UTC)
    history = online(store, "customer_history", customer(shop, 0), as_of)
    assert history == offline(shop, "customer_history", customer(shop, 0), as_of, tmp_path)
