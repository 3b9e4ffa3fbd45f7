"""What callers notice of faults: workers that are killed, an end under load, and stores that misbehave.

    python -m benchmarks.serving_faults --minutes 2 --requests 1700

Callers do not wait for each other: so many requests are due each second, whatever becomes of those
before. One whose connection was lost is sent again, as the typed client does; how many had to be is a figure.
"""

import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer

from attune.adapters.feast import FeastStore
from attune.adapters.redis_connection import RedisAddress, RedisConnection
from attune.repeating import repeating
from benchmarks.results import Result, add_results
from benchmarks.serving_load import CUT, LOST, Burst, ask, load, pour
from benchmarks.serving_shop import KEY, NOW, SETTINGS, Asked, Shop, figure, open_shop
from benchmarks.tcp_proxy import Mode, Proxy, proxied
from serving.server import start
from tests.redis_server import running_redis

KILL_EVERY_SECONDS = 5.0
TRIES = 5
FLAG = "no_feature_store"
STORE = "ATTUNE_ONLINE_STORE"


@dataclass(frozen=True)
class Fault:
    """Something that a store does, how it is mended, and whether answers then say that it is away."""

    begin: Callable[[], object]
    mend: Callable[[], object]
    is_away: bool


def main(
    minutes: Annotated[float, typer.Option(help="of killing workers")] = 2.0,
    requests: Annotated[int, typer.Option(help="during each fault of the store")] = 1_700,
) -> None:
    """Measure all and add to results/serving.json."""
    os.environ["ATTUNE_API_KEYS"] = KEY
    with tempfile.TemporaryDirectory() as name:
        shop = open_shop(Path(name))
        results = [*killed(shop, minutes * 60), *ended(shop), *misled(shop, Path(name), requests)]
    print(add_results("serving", results))


def killed(shop: Shop, seconds: float) -> list[Result]:
    """Workers killed every five seconds at half the load of the peak."""
    with start(shop.workspace, settings=SETTINGS.model_copy(update={"spare": True})) as server:
        ours = Asked.of(server)
        wanted = ours.requests("/v1/churn", shop.customers)
        load(ours.port, ours.pid, wanted, 8, 1.0)
        peak = load(ours.port, ours.pid, wanted, 8, 3.0).rate
        with _killing(ours.pid, seconds - KILL_EVERY_SECONDS) as kills:
            burst = pour(ours.port, ours.pid, wanted, peak / 2, seconds, tries=TRIES)
    back = [min((end for end in burst.ended if end > at + 0.05), default=at + 60) - at for at in kills]
    asked = len(burst.statuses)
    protocol = (
        f"{len(kills)} kills in {seconds:.0f} s, {peak / 2:.0f} requests a second, half of the peak; what "
        "was lost is sent again; a spare worker stands by"
    )
    return [
        figure("killed_workers_good_share", burst.good_share, "share", protocol),
        figure("killed_workers_first_try_share", 1 - burst.again / max(1, asked), "share", protocol),
        figure("killed_workers_longest_gap_s", max(back, default=0.0), "s", protocol),
    ]


@contextmanager
def _killing(supervisor: int, seconds: float) -> Iterator[list[float]]:
    """Kill its worker again and again for some seconds; the moments of the kills."""
    kills, until = list[float](), time.monotonic() + seconds

    def kill() -> None:
        if time.monotonic() < until + KILL_EVERY_SECONDS:
            workers = psutil.Process(supervisor).children()
            # The one that answers, not its spare.
            max(workers, key=lambda worker: len(worker.net_connections())).kill()
            kills.append(time.perf_counter())

    with repeating(KILL_EVERY_SECONDS, kill):
        yield kills


def ended(shop: Shop) -> list[Result]:
    """Answers that were begun, or due, before SIGTERM and did not arrive whole."""
    with start(shop.workspace, settings=SETTINGS) as server:
        ours = Asked.of(server)
        wanted = ours.requests("/v1/recommend", shop.customers)
        load(ours.port, ours.pid, wanted, 8, 1.0)
        rate = load(ours.port, ours.pid, wanted, 8, 2.0).rate / 2
        at: list[float] = []

        def end() -> None:
            at.append(time.perf_counter())
            psutil.Process(ours.pid).terminate()

        timer = threading.Timer(3.0, end)
        timer.start()
        burst = pour(ours.port, None, wanted, rate, 5.0)
        timer.join()
    due = [end - taken for end, taken in zip(burst.ended, burst.taken, strict=True)]
    before = [status for when, status in zip(due, burst.statuses, strict=True) if when < at[0]]
    lost = before.count(LOST) + burst.statuses.count(CUT)
    protocol = f"SIGTERM after 3 s at {rate:.0f} requests a second, half of the peak"
    return [figure("ended_cut_answers", lost, f"of {len(before)} answers", protocol)]


def misled(shop: Shop, folder: Path, requests: int) -> list[Result]:
    """Recommendations while Redis misbehaves in six ways."""
    results: list[Result] = []
    with ExitStack() as ending:
        url, _ = ending.enter_context(running_redis(folder))
        redis = RedisAddress(url)
        proxy = ending.enter_context(proxied(redis.port))
        os.environ[STORE] = f"redis://127.0.0.1:{proxy.port}/0"
        ending.callback(os.environ.pop, STORE)

        def fill() -> None:
            FeastStore(shop.workspace).materialize(NOW, rebuild=True)

        fill()
        ours = Asked.of(ending.enter_context(start(shop.workspace, settings=SETTINGS)))
        wanted = ours.requests("/v1/recommend", shop.customers)
        ask(ours.port, wanted[:50])
        rate = load(ours.port, ours.pid, wanted, 8, 3.0).rate / 2
        normal = pour(ours.port, None, wanted, rate, 5.0, FLAG.encode())
        for name, fault in _faults(proxy, RedisConnection(redis, 5.0), fill).items():
            fault.begin()
            burst = pour(ours.port, None, wanted, rate, requests / rate, FLAG.encode())
            fault.mend()
            results += _of_fault(name, fault, burst, normal, _recovered(ours, wanted))
            print(f"{name}: {Counter(burst.statuses)}, {burst.flagged} flagged")
    return results


def _faults(proxy: Proxy, redis: RedisConnection, fill: Callable[[], object]) -> dict[str, Fault]:
    def becomes(mode: Mode) -> Callable[[], None]:
        return lambda: proxy.become(mode)

    sound = becomes("sound")
    limits = ("CONFIG", "SET", "maxmemory")
    return {
        "refused": Fault(becomes("refusing"), sound, True),
        "silent": Fault(becomes("silent"), sound, True),
        "late_200_ms": Fault(becomes("late"), sound, True),
        "lossy_1_percent": Fault(becomes("lossy"), sound, False),
        "empty": Fault(lambda: redis.call("FLUSHALL"), fill, True),
        "full": Fault(lambda: redis.call(*limits, 1), lambda: redis.call(*limits, 0), False),
    }


def _recovered(ours: Asked, wanted: list[bytes]) -> float:
    """Seconds until an answer rests on the store again."""
    mended = time.perf_counter()
    while time.perf_counter() - mended < 30:
        if not ask(ours.port, wanted[:1], FLAG.encode()).flagged:
            return time.perf_counter() - mended
        time.sleep(0.02)
    return float("inf")


def _of_fault(name: str, fault: Fault, burst: Burst, normal: Burst, recovered: float) -> list[Result]:
    good = burst.statuses.count(200)
    right = burst.flagged if fault.is_away else good
    extra = (burst.percentile(99) - normal.percentile(99)) * 1000
    share = right / max(1, len(burst.statuses))
    protocol = f"{len(burst.statuses):,} recommendations during each fault, half of the peak's a second"
    return [
        figure(f"store_{name}_answered_share", share, "share", protocol),
        figure(f"store_{name}_p99_extra_ms", extra, "ms", protocol),
        figure(f"store_{name}_recovery_s", recovered, "s", protocol),
    ]


if __name__ == "__main__":
    typer.run(main)
