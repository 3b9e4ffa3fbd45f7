"""A stream of interactions, from a real Redis: each counts once, whatever happens to who takes it."""

import itertools
import json
import signal
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from attune.adapters.online_sqlite import SqliteRows
from attune.adapters.redis_connection import RedisAddress, RedisConnection
from attune.adapters.redis_stream import RedisStream
from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.features.consume import ConsumeReport, consume
from attune.features.push import Pusher
from attune.features.read_plan import OnlineReader
from attune.features.settings import FeatureSettings
from tests.features.live_shop import customer
from tests.features.streaming import consuming, line, logged, wait_for, wait_until

streams = itertools.count()


@pytest.fixture
def shop(streamed_shop) -> Workspace:
    return streamed_shop


@pytest.fixture
def stream() -> str:
    return f"interactions {next(streams)}"


@pytest.fixture
def redis(redis_url) -> RedisConnection:
    return RedisConnection(RedisAddress(redis_url), 5)


def add(redis: RedisConnection, stream: str, *lines: str) -> None:
    redis.call_all([("XADD", stream, "*", "interaction", each) for each in lines])


def take_all(redis_url: str, stream: str, shop: Workspace) -> ConsumeReport:
    """Consume until nothing comes any more."""
    source = RedisStream(redis_url, stream, "tests")
    pusher = Pusher(shop.tables, SqliteRows(shop.feast / "online.db"), FeatureSettings())
    seen: list[ConsumeReport] = []
    asked = itertools.count()
    key = load_or_make_key(shop.pseudonym_key)
    return consume(source, pusher, key, lambda: next(asked) > len(seen), seen.append)


def pending(redis: RedisConnection, stream: str) -> Any:
    return redis.call("XPENDING", stream, "attune")[0]


def test_what_is_in_the_stream_is_online_once_and_acknowledged(shop, redis, redis_url, stream):
    add(redis, stream, *(line(number, stream) for number in range(4)), line(1, stream))
    report = take_all(redis_url, stream, shop)
    assert (report.accepted, report.duplicate, report.refused) == (4, 1, 0)
    assert sorted(logged(shop, stream)) == [f"{stream} order {number}" for number in range(4)]
    assert pending(redis, stream) == 0
    reader = OnlineReader(SqliteRows(shop.feast / "online.db", read_seconds=5))
    now = datetime.now(UTC)
    times = reader.online("recommend_v1", [customer(shop, 0)], now)[0].event_timestamps
    assert times["history_items"] is not None


def test_what_was_delivered_and_not_settled_is_delivered_again(redis, redis_url, stream):
    add(redis, stream, *(line(number, stream) for number in range(3)))
    first = RedisStream(redis_url, stream, "one").take(2, 0.1)
    again = RedisStream(redis_url, stream, "one")
    assert again.take(5, 0.1) == first
    again.settle([each.id for each in first], {})
    (third,) = again.take(5, 0.1)
    assert json.loads(third.line)["item_id"] == "item 2"


def test_what_a_consumer_that_is_gone_left_is_taken_over(redis, redis_url, stream):
    add(redis, stream, line(0, stream))
    taken = RedisStream(redis_url, stream, "gone").take(1, 0.1)
    other = RedisStream(redis_url, stream, "other", idle_seconds=0.05)
    assert other.take(1, 0.01) == []
    time.sleep(0.1)
    assert other.take(1, 0.1) == taken


WRONG = {
    "amount: Input should be greater than or equal to 0": {"amount": -1},
    "shoe: Extra inputs are not permitted": {"shoe": "private"},
    "item_id is not in the table items": {"item_id": "nothing"},
    "event_timestamp: lies more than five minutes ahead": {"event_timestamp": "2199-01-01T00:00:00Z"},
    "event_timestamp: Input should have timezone info": {"event_timestamp": "2017-03-01T00:00:00"},
}


def test_what_is_refused_goes_to_the_dead_letters_with_its_reason_and_without_the_raw_id(
    shop, redis, redis_url, stream
):
    wrong = [line(number, stream, **changes) for number, changes in enumerate(WRONG.values())]
    add(redis, stream, *wrong, "{not json", line(9, stream))
    report = take_all(redis_url, stream, shop)
    assert (report.accepted, report.refused) == (1, 6)
    letters: Any = redis.call("XRANGE", f"{stream}:refused", "-", "+")
    found = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in letters]
    reasons = sorted(letter[b"reason"].decode() for letter in found)
    assert reasons[-1].startswith("the line: Invalid JSON")
    assert reasons[:-1] == sorted(WRONG)
    assert b"customer 0" not in b"".join(letter[b"row"] for letter in found)
    assert b"private" not in b"".join(letter[b"row"] for letter in found)
    key = load_or_make_key(shop.pseudonym_key)
    assert pseudonym(key, "customer 0").encode() in b"".join(letter[b"row"] for letter in found)
    assert pending(redis, stream) == 0


def test_a_killed_consumer_loses_nothing_and_nothing_counts_twice_and_sigterm_ends_it_in_order(
    shop, redis, redis_url, stream
):
    orders = [f"{stream} order {number}" for number in range(1_200)]
    add(redis, stream, *(line(number, stream) for number in range(1_200)))
    with consuming(shop, redis_url, stream) as process:
        wait_until(stream, shop, 1)
        process.kill()
    assert 0 < len(logged(shop, stream)) < len(orders)
    assert pending(redis, stream) > 0
    with consuming(shop, redis_url, stream) as process:
        wait_until(stream, shop, len(orders))
        wait_for(lambda: pending(redis, stream) == 0)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "stopped: " in said
    assert sorted(logged(shop, stream)) == sorted(orders)
    assert pending(redis, stream) == 0
