"""Rollbacks of a model that a real server answers with, while applications ask it without a pause."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attune.adapters.feast import FeastStore
from attune.config import Workspace
from attune.data.importing import import_tables
from attune.data.pseudonyms import workspace_key
from attune.data.synthetic import make_shop as make_synthetic_shop
from attune.errors import AttuneError
from attune.training.refresh import refresh_features
from benchmarks.registry_shop import NOW, SERVICE, make_shop
from serving.client import AttuneClient
from serving.server import start
from serving.settings import ServingSettings

ASKERS = 4
CUSTOMER = "customer 0"
LONGEST_SECONDS = 30.0
PAUSE_SECONDS = 0.01  # of one application between two requests
PLAN = {
    "churn": {
        "feature_service": SERVICE,
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": {"first": "2017-04-02"},
        "network": "logistic_regression",
        "candidates": {"logistic_regression": {}},
    }
}


def rollback_under_load(root: Path, times: int) -> tuple[float, int, int]:
    """Take back a promotion so many times, while four applications ask over HTTP.

    Returns:
        The slowest rollback, from the command to the first answer of the old version, in seconds; how many
        requests were not answered with a score; how many were made.
    """
    shop = make_shop(root, 2)
    registry = shop.registry
    registry.promote("churn", 1, None, "first", "a benchmark")
    _fill(shop.workspace)
    slowest = 0.0
    with (
        start(shop.workspace, settings=ServingSettings(now=NOW)) as server,
        _asking(server.url) as load,
        AttuneClient(server.url) as client,
    ):
        for _ in range(times):
            registry.promote("churn", 2, 1, "better", "a benchmark")
            _seconds_until(client, 2)
            registry.roll_back("churn", "worse", "a benchmark")
            slowest = max(slowest, _seconds_until(client, 1))
    return slowest, load.failed, load.asked


class Load:
    """What the applications met."""

    def __init__(self) -> None:
        self.asked = 0
        self.failed = 0
        self._lock = threading.Lock()

    def count(self, *, failed: bool) -> None:
        """Note one request."""
        with self._lock:
            self.asked += 1
            self.failed += failed


@contextmanager
def _asking(url: str) -> Iterator[Load]:
    """Applications that ask for as long as the block lasts."""
    load, stop = Load(), threading.Event()
    askers = [threading.Thread(target=_ask, args=(url, load, stop)) for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        yield load
    finally:
        stop.set()
        for asker in askers:
            asker.join()


def _ask(url: str, load: Load, stop: threading.Event) -> None:
    with AttuneClient(url) as client:
        while not stop.wait(PAUSE_SECONDS):
            try:
                client.churn(CUSTOMER)
            except AttuneError:
                load.count(failed=True)
            else:
                load.count(failed=False)


def _seconds_until(client: AttuneClient, version: int) -> float:
    """How long it takes until a version answers."""
    started = time.perf_counter()
    while client.churn(CUSTOMER).model_version != version:
        if time.perf_counter() - started > LONGEST_SECONDS:
            raise SystemExit(f"version {version} did not answer within {LONGEST_SECONDS} s")
        time.sleep(PAUSE_SECONDS)
    return time.perf_counter() - started


def _fill(workspace: Workspace) -> None:
    """Import a small shop and bring its features online."""
    raw = make_synthetic_shop(customers=60, items=30, weeks=22)
    import_tables(raw, workspace.tables, workspace_key(workspace))
    refresh_features(FeastStore(workspace), workspace, PLAN, NOW)
