"""A Redis that is gone, silent, slow, full or new costs a request its deadline and no more."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from attune.adapters.online_redis import RedisRows
from attune.adapters.redis_connection import RedisAddress
from attune.errors import ConfigError, FeatureError
from attune.features.row_store import RowStore
from tests.redis_server import running_redis

SECONDS = 0.1
# What a machine that is busy with other tests may add.
PATIENCE = 5


@contextmanager
def refused_within(seconds: float, words: str) -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(FeatureError, match=words):
        yield
    assert time.monotonic() - started < seconds


def read(store: RowStore) -> list[list[bytes | None]]:
    return store.get_many(["activity"], ["ann"])


def test_a_redis_that_refuses_connections_is_said_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        store = RedisRows(f"redis://127.0.0.1:{free.getsockname()[1]}", "p", read_seconds=5)
    with refused_within(PATIENCE, "cannot be reached .*refused.*; is it running"):
        read(store)


def test_a_redis_that_falls_silent_costs_the_deadline_and_answers_when_it_is_back(tmp_path):
    with running_redis(tmp_path) as (url, process):
        store = RedisRows(url, "p", read_seconds=SECONDS)
        store.note("as_of", "today")
        assert read(store) == [[None]]
        process.send_signal(signal.SIGSTOP)
        try:
            for _ in range(3):
                with refused_within(SECONDS + PATIENCE, "did not answer within 100 ms"):
                    read(store)
        finally:
            process.send_signal(signal.SIGCONT)
        time.sleep(SECONDS)
        assert read(store) == [[None]]


def test_a_redis_that_drips_its_answer_costs_the_deadline_too():
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            client, _ = server.accept()
            with client:
                client.recv(1024)
                for byte in b"*1\r\n$1000000\r\n" + b"x" * 1000:
                    if stop.wait(0.02):
                        return
                    client.sendall(bytes([byte]))

        thread = threading.Thread(target=drip)
        thread.start()
        store = RedisRows(f"redis://127.0.0.1:{server.getsockname()[1]}", "p", read_seconds=SECONDS)
        with refused_within(SECONDS + PATIENCE, "did not answer within 100 ms"):
            read(store)
        stop.set()
        thread.join()


def test_a_redis_that_was_restarted_empty_says_that_nothing_is_online(tmp_path):
    with running_redis(tmp_path) as (url, _):
        store = RedisRows(url, "p", read_seconds=5)
        store.note("as_of", "today")
        read(store)
    port = int(url.rpartition(":")[2].partition("/")[0])
    with running_redis(tmp_path, port=port), refused_within(PATIENCE, "no online features in Redis"):
        read(store)


def test_a_full_redis_refuses_the_write_and_keeps_what_was_there(tmp_path):
    with running_redis(tmp_path, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction") as (url, _):
        store = RedisRows(url, "p", read_seconds=5)
        store.put_many("activity", {"ann": b"x" * 24})
        many = {f"c{number}": bytes(1000) for number in range(10_000)}
        with pytest.raises(FeatureError, match="refuses: OOM"):
            store.put_many("activity", many)
        assert read(store) == [[b"x" * 24]]


def test_a_password_is_sent_and_never_shown(tmp_path):
    with running_redis(tmp_path, "--requirepass", "open sesame") as (url, _):
        right = RedisRows(url.replace("//", "//:open%20sesame@"), "p", read_seconds=5)
        right.note("as_of", str(datetime(2020, 1, 1, tzinfo=UTC)))
        assert read(right) == [[None]]
        wrong = RedisRows(url.replace("//", "//:guess@"), "p", read_seconds=5)
        with pytest.raises(FeatureError, match="WRONGPASS") as refused:
            read(wrong)
        assert "guess" not in str(refused.value)


def test_a_number_of_a_database_keeps_projects_apart(tmp_path):
    with running_redis(tmp_path) as (url, _):
        RedisRows(url, "p").note("as_of", "today")
        assert not RedisRows(url.removesuffix("0") + "1", "p").published()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost/online"])
def test_what_is_no_address_of_a_redis_is_refused(url):
    with pytest.raises(ConfigError, match="is wanted"):
        RedisAddress(url)
