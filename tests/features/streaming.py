"""Interactions in a stream, and `attune features consume` as a process that can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attune.config import Workspace
from attune.data.interaction_log import InteractionLog
from tests.features.live_shop import customer

ROOT = Path(__file__).parents[2]


def line(number: int, stream: str, **changes: Any) -> str:
    said = {
        "customer_id": f"customer {number % 3}",
        "item_id": f"item {number % 12}",
        "order_id": f"{stream} order {number}",
        "event_timestamp": f"2017-03-01T{number // 60:02}:{number % 60:02}:00Z",
        "quantity": 1,
        "amount": 2.5,
    }
    return json.dumps(said | changes)


def logged(shop: Workspace, stream: str) -> list[str]:
    """The orders of a stream that are in the log."""
    rows = InteractionLog(shop.tables).rows("customer_id", [customer(shop, each) for each in range(3)])
    return [order for order in rows["order_id"].to_list() if order.startswith(f"{stream} ")]


def wait_until(stream: str, shop: Workspace, count: int) -> None:
    wait_for(lambda: len(logged(shop, stream)) >= count)


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)


@contextmanager
def consuming(shop: Workspace, url: str, stream: str) -> Iterator[subprocess.Popen[str]]:
    """`attune features consume`, which is killed where it has not ended by itself."""
    options = ["--url", url, "--stream", stream, "--consumer", "one", "--home", str(shop.root)]
    command = [sys.executable, "-m", "pipelines.cli", "features", "consume", *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()
