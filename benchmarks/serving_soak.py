"""What a server keeps while it answers for a long time: memory and descriptors of its worker.

python -m benchmarks.serving_soak --minutes 30
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import psutil
import typer

from attune.repeating import repeating
from benchmarks.results import Result, add_results
from benchmarks.serving_load import load, pour
from benchmarks.serving_shop import KEY, SETTINGS, Asked, Shop, figure, open_shop
from serving.server import start

LOOK_EVERY_SECONDS = 1.0
WARM_SHARE = 0.2  # of the time: what is made once is made then

CLOSED_SECONDS = 2.0  # until the server has noticed that callers are gone

Sample = tuple[float, int]  # the moment, bytes


def main(minutes: Annotated[float, typer.Option(help="how long")] = 3.0) -> None:
    """Measure and add to results/serving.json."""
    os.environ["ATTUNE_API_KEYS"] = KEY
    with tempfile.TemporaryDirectory() as name:
        print(add_results("serving", soak(open_shop(Path(name)), minutes * 60)))


def soak(shop: Shop, seconds: float) -> list[Result]:
    """Churn and recommendations in turn at half the load of the peak."""
    with start(shop.workspace, settings=SETTINGS) as server:
        ours = Asked.of(server)
        kinds = [ours.requests(f"/v1/{name}", shop.customers) for name in ("churn", "recommend")]
        wanted = [each for pair in zip(*kinds, strict=True) for each in pair]
        load(ours.port, ours.pid, wanted, 8, 1.0)
        rate = load(ours.port, ours.pid, wanted, 8, 3.0).rate / 2
        (worker,) = psutil.Process(ours.pid).children()
        before = _open_files(worker)
        with _watched(worker) as samples:
            burst = pour(ours.port, None, wanted, rate, seconds)
        more = _open_files(worker) - before
    at, memory = np.array(samples[int(len(samples) * WARM_SHARE) :]).T
    slope = float(np.polyfit(at - at[0], memory, 1)[0]) * (at[-1] - at[0]) / memory.mean()
    protocol = f"{seconds:.0f} s at {rate:.0f} requests a second, half of the peak; the first fifth left out"
    return [
        figure("soak_memory_slope", slope, "share over the whole time", protocol),
        figure("soak_descriptors_more", more, "descriptors", protocol),
        figure("soak_good_share", burst.good_share, "share", protocol),
    ]


def _open_files(worker: psutil.Process) -> int:
    """How many descriptors a worker holds when nobody is connected."""
    time.sleep(CLOSED_SECONDS)
    return worker.num_fds()


@contextmanager
def _watched(worker: psutil.Process) -> Iterator[list[Sample]]:
    samples = list[Sample]()

    def look() -> None:
        samples.append((time.monotonic(), worker.memory_info().rss))

    with repeating(LOOK_EVERY_SECONDS, look):
        yield samples


if __name__ == "__main__":
    typer.run(main)
