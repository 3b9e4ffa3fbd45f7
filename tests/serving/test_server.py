"""A server whose models, tables and processes change under it; its starter gets killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import psutil
import pytest

from attune.config import Workspace
from attune.data.tables import read_table, write_tables
from attune.errors import ConfigError, DataError
from attune.governance.ledger import Ledger
from attune.registry import HEADS_FILE
from serving.client import AttuneClient, RefusedError, ServiceError
from serving.prediction_log import read_predictions
from serving.process import PortTakenError, StartError
from serving.server import serve, start
from tests.serving.conftest import Shop, register, release

STARTER = """
import sys, time
from pathlib import Path
from attune.config import Workspace
from serving.server import start
from serving.settings import ServingSettings
settings = ServingSettings.model_validate_json(sys.argv[2])
with start(Workspace(root=Path(sys.argv[1])), settings=settings) as server:
    print(server.url, server.pid, flush=True)
    time.sleep(600)
"""
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Running:
    """A server, and the process that started it."""

    shop: Shop
    url: str
    supervisor: int
    starter: int

    def worker(self) -> int:
        children = psutil.Process(self.supervisor).children()
        return next(child.pid for child in children if "worker.service" in " ".join(child.cmdline()))


@pytest.fixture(scope="module")
def running(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    mine = shop.elsewhere(tmp_path_factory.mktemp("changing") / "workspace")
    command = [sys.executable, "-c", STARTER, str(mine.workspace.root), mine.settings.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        url, pid = starter.stdout.readline().split()
        yield Running(mine, url, int(pid), starter.pid)
        starter.kill()


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_new_champion_answers_without_a_pause(running, tmp_path):
    with AttuneClient(running.url) as client:
        assert client.churn(running.shop.loyal).model_version == 1
        release(running.shop.workspace, "churn", running.shop.examples("churn"), tmp_path / "second", run=2)
        # Every answer in between is one of the two versions' and none is an error.
        eventually(lambda: client.churn(running.shop.loyal).model_version == 2)


def test_a_spoilt_champion_is_refused_and_the_old_one_answers(running, tmp_path):
    workspace = running.shop.workspace
    third = register(workspace, "churn", running.shop.examples("churn"), tmp_path / "third", run=3)
    (third.folder / "weights.safetensors").write_bytes(b"nothing")
    # The registry itself would refuse; somebody wrote past it.
    ledger = Ledger(f"sqlite:///{workspace.registry}", workspace.keys, workspace.root / HEADS_FILE)
    ledger.promote("churn", third.version, expected=2, reason="a test", cause="a test")
    with AttuneClient(running.url) as client:
        eventually(lambda: client.models().models[0].refused == 3)
        assert "weights.safetensors" in (client.models().models[0].reason or "")
        assert client.churn(running.shop.loyal).model_version == 2


def test_a_withdrawn_consent_counts_while_serving(running):
    workspace, loyal = running.shop.workspace, running.shop.loyal
    consents = read_table(workspace.tables, "consents")
    consents["granted"] &= consents["customer_id"] != running.shop.pseudonym(loyal)
    write_tables(workspace.tables, {"consents": consents})

    def is_refused() -> bool:
        try:
            client.churn(loyal)
        except RefusedError as refused:
            return refused.problem.status == 403
        return False

    with AttuneClient(running.url) as client:
        eventually(is_refused)
        assert client.recommend(loyal).degraded == ["no_consent"]


def test_every_answer_that_arrived_is_in_the_log_after_kill_9(running):
    arrived: list[str] = []
    over = threading.Event()  # for whoever connects only after the kill, and whom nothing stops

    def ask() -> None:
        with AttuneClient(running.url, tries=1) as client:
            try:
                while not over.is_set():
                    arrived.append(client.recommend(running.shop.refusing_churn).prediction_id)
            except ServiceError:
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(arrived) > 100)
    os.kill(running.worker(), signal.SIGKILL)
    over.set()
    for thread in threads:
        thread.join()
    kept = {record.prediction_id for record in read_predictions(running.shop.workspace.predictions)}
    assert set(arrived) <= kept


def test_a_killed_worker_is_replaced(running):
    eventually(lambda: is_ready(running.url))


def test_nothing_is_left_when_the_starter_is_killed(running):
    mine = [running.supervisor, *(child.pid for child in psutil.Process(running.supervisor).children())]
    os.kill(running.starter, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, mine)))


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_server_that_cannot_start_says_why_at_once(tmp_path):
    with pytest.raises(StartError, match="import data first"), start(Workspace(root=tmp_path)):
        pass


def test_a_port_that_somebody_took_meanwhile_is_told_from_other_reasons(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTakenError), start(shop.workspace, port=taken.getsockname()[1]):
            pass


def test_what_cannot_answer_is_not_served(tmp_path):
    with pytest.raises(DataError, match="import data first"):
        serve(Workspace(root=tmp_path), "127.0.0.1", 3000)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_an_open_address_needs_keys(tmp_path, monkeypatch, host):
    monkeypatch.delenv("ATTUNE_API_KEYS", raising=False)
    monkeypatch.delenv("ATTUNE_API_KEYS_FILE", raising=False)
    with pytest.raises(ConfigError, match="no API keys"):
        serve(Workspace(root=tmp_path), host, 3000)


def test_an_online_store_that_is_none_is_named_before_anything_starts(shop, monkeypatch):
    monkeypatch.setenv("ATTUNE_ONLINE_STORE", "http://127.0.0.1")
    with pytest.raises(ConfigError, match="ATTUNE_ONLINE_STORE does not begin with redis://"):
        serve(shop.workspace, "127.0.0.1", 3000)


def test_a_taken_port_is_named(shop):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}"):
            serve(shop.workspace, "127.0.0.1", port)


def test_a_port_that_is_none_is_named(shop):
    with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:99999"):
        serve(shop.workspace, "127.0.0.1", 99999)
