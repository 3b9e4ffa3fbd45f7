"""A shop with a network for each served model, as graphs, and servers over it: ours and the peer's."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx
import pandas as pd

from attune import columns as c
from attune.adapters.feast import FeastStore
from attune.config import HOME_VARIABLE, Workspace
from attune.data.consents import agreed
from attune.data.importing import import_tables
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.data.synthetic import make_shop
from attune.data.tables import read_table
from attune.registry import Registry
from attune.training.examples import fetch_examples
from attune.training.loop_settings import LoopSettings
from attune.training.plan import TrainingPlan
from attune.training.refresh import refresh_features
from attune.training.train import train
from benchmarks.results import Result
from benchmarks.serving_load import request
from serving.server import RunningServer
from serving.settings import SETTINGS_VARIABLE, ServingSettings
from tests.origins import make_origin
from tests.presentable import make_presentable

NOW = datetime(2017, 10, 8, tzinfo=UTC)
SETTINGS = ServingSettings(now=NOW, concurrency=64)
KEY = "a-key-of-the-benchmark"
DATA = "synthetic shop, 300 customers, 2,000 items"
COMMAND = "make bench-serving"
AS_OF = {"first": "2017-04-02", "train_every_days": 28}
PARAMS: dict[str, Any] = {
    "churn": {
        "feature_service": "churn_v1",
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": AS_OF,
        "network": "churn_network",
        "candidates": {"churn_network": {}},
    },
    "recommend": {
        "feature_service": "recommend_v1",
        "purpose": "recommend",
        "kind": "recommender",
        "label": {"next_days": 7},
        "as_of": AS_OF,
        "network": "sequential",
        "candidates": {"sequential": {}},
    },
}


@dataclass(frozen=True)
class Shop:
    """A workspace, and customers who agreed to everything."""

    workspace: Workspace
    customers: list[str]


@dataclass(frozen=True)
class Asked:
    """A server to be asked."""

    port: int
    pid: int
    key: str = ""

    @classmethod
    def of(cls, server: RunningServer) -> Self:
        """Our own server, with a key."""
        return cls(httpx.URL(server.url).port or 0, server.pid, KEY)

    def requests(self, path: str, customers: list[str]) -> list[bytes]:
        """A request a customer."""
        bodies = [json.dumps({"customer_id": customer}).encode() for customer in customers]
        return [request(self.port, path, body, self.key) for body in bodies]


def open_shop(root: Path) -> Shop:
    """Make tables and features, and train both networks for one epoch: speed needs no quality."""
    workspace = Workspace(root=root / "workspace")
    raw = make_shop(customers=300, items=2_000, weeks=40)
    key = load_or_make_key(workspace.pseudonym_key)
    import_tables(raw, workspace.tables, key)
    store = FeastStore(workspace)
    refresh_features(store, workspace, PARAMS, NOW)
    registry = Registry(workspace)
    for name, section in PARAMS.items():
        plan = TrainingPlan.parse(section)
        examples, trained = root / f"{name}-examples", root / name
        fetch_examples(store, workspace.tables, workspace.features, name, plan, NOW, examples)
        train(plan.network, {}, LoopSettings(epochs=1), examples, trained)
        shutil.copy(examples / "examples.json", trained)
        make_presentable(trained, name, plan.network)
        registry.register(trained, make_origin(NOW, name=name, algorithm=plan.network))
        registry.promote(name, 1, None, "a benchmark", "a benchmark")
    return Shop(workspace, _agreeing(workspace, raw.customers[c.CUSTOMER_ID], key))


def _agreeing(workspace: Workspace, raw: pd.Series, key: bytes) -> list[str]:
    consents = read_table(workspace.tables, "consents")
    willing = agreed(consents, "churn") & agreed(consents, "recommend")
    names = {each: pseudonym(key, each) for each in raw.astype(str) if pseudonym(key, each) in willing}
    rows = FeastStore(workspace).online("churn_v1", list(names.values()), NOW)
    active = {row.key for row in rows if row.values[c.ORDERS_90D]}
    return [each for each, name in names.items() if name in active]


@contextmanager
def peer(
    shop: Shop, module: str = "benchmarks.serving_peer", variables: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int]]:
    """Another server, FastAPI over the shop if not said otherwise: its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", module, str(port)]
    with process_of(shop, command, variables or {}) as process:
        _wait(port)
        yield port, process.pid


@contextmanager
def process_of(
    shop: Shop,
    command: Sequence[str],
    variables: Mapping[str, str],
    log: Path = Path(os.devnull),
    folder: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves a shop, and all that it starts, for as long as a block lasts."""
    environment = {
        **os.environ,
        HOME_VARIABLE: str(shop.workspace.root.absolute()),
        SETTINGS_VARIABLE: SETTINGS.model_dump_json(),
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    with (
        log.open("wb") as said,
        subprocess.Popen(
            command, env=environment, cwd=folder, stdout=said, stderr=said, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def figure(name: str, value: float, unit: str, protocol: str) -> Result:
    """A figure of the server in this shop."""
    value = round(float(value), 4)
    return Result.here(name=name, value=value, unit=unit, data=DATA, protocol=protocol, command=COMMAND)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the peer does not come up")
