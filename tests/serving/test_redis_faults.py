"""A real Redis under the answers: refused, silent, restarted empty, full, and back again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from attune.adapters.feast import FeastStore
from attune.adapters.online_redis import RedisRows
from attune.adapters.redis_connection import RedisAddress, RedisConnection
from attune.features.read_plan import OnlineReader
from serving.problems import Problem
from serving.schemas import ChurnRequest, RecommendRequest
from serving.stream import FIELD, STREAM, PredictionStream
from tests.redis_server import running_redis
from tests.serving.answering import Answering, answering, eventually
from tests.serving.conftest import NOW, Shop

PROJECT = "attune"


@dataclass
class Store:
    """A Redis with the features of the shop."""

    url: str
    process: subprocess.Popen[bytes]
    fill: Callable[[], None]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].split("/")[0])


@pytest.fixture
def store(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with running_redis(folder) as (url, process):
        monkeypatch.setenv("ATTUNE_ONLINE_STORE", url)
        filled = Store(url, process, lambda: FeastStore(shop.workspace).materialize(NOW, rebuild=True))
        filled.fill()
        yield filled


@pytest.fixture
def answers(shop: Shop, store: Store, tmp_path: Path) -> Iterator[Answering]:
    with answering(shop, tmp_path / "log", OnlineReader(RedisRows(store.url, PROJECT))) as opened:
        yield opened


def degraded(answers: Answering, customer: str) -> list[str]:
    return list(answers.recommendations.recommend(RecommendRequest(customer_id=customer, k=3)).degraded)


def refusal(answers: Answering, customer: str) -> str:
    with pytest.raises(Problem) as refused:
        answers.scores.churn(ChurnRequest(customer_id=customer))
    return refused.value.name


def slowest(act: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.monotonic()
        act()
        taken.append(time.monotonic() - started)
    return sorted(taken)


def test_a_redis_that_is_silent_costs_few_answers_and_comes_back(answers, store, shop):
    assert degraded(answers, shop.loyal) == []
    os.kill(store.process.pid, signal.SIGSTOP)
    try:
        taken = slowest(lambda: degraded(answers, shop.loyal), 200)
        assert degraded(answers, shop.loyal) == ["no_feature_store"]
        assert refusal(answers, shop.loyal) == "no-features"
    finally:
        os.kill(store.process.pid, signal.SIGCONT)
    # Only those that found out waited for the deadline of 50 ms.
    assert sum(seconds > 0.045 for seconds in taken) <= 20
    eventually(lambda: degraded(answers, shop.loyal) == [])


def test_a_redis_that_is_gone_and_comes_back_empty_is_never_guessed_about(answers, store, shop, tmp_path):
    store.process.kill()
    store.process.wait()
    assert {degraded(answers, shop.loyal)[0] for _ in range(50)} == {"no_feature_store"}
    with running_redis(tmp_path, port=store.port):
        time.sleep(0.6)
        # Nothing is published there yet: that is no answer either.
        assert degraded(answers, shop.loyal) == ["no_feature_store"]
        assert refusal(answers, shop.loyal) == "no-features"
        store.fill()
        eventually(lambda: degraded(answers, shop.loyal) == [])


def test_a_redis_that_is_full_still_answers(answers, store, shop):
    RedisConnection(RedisAddress(store.url), 1.0).call("CONFIG", "SET", "maxmemory", "1")
    assert degraded(answers, shop.loyal) == []


def test_every_record_is_copied_to_the_stream_in_order(redis_url):
    redis = RedisConnection(RedisAddress(redis_url), 1.0)
    redis.call("DEL", STREAM)
    stream = PredictionStream(RedisAddress(redis_url))
    for number in range(700):
        stream.add(b"%d" % number)
    stream.close()
    entries = redis.call("XRANGE", STREAM, "-", "+")
    assert isinstance(entries, list)
    assert [fields for _, fields in entries] == [[FIELD.encode(), b"%d" % number] for number in range(700)]  # type: ignore[misc]


def test_a_stream_that_is_away_holds_nobody_back():
    stream = PredictionStream(RedisAddress("redis://127.0.0.1:9/0"))
    assert slowest(lambda: stream.add(b"a"), 12_000)[-1] < 0.5
    stream.close()
