"""Eight writers who promote at once, in threads and in processes: one may win."""

import multiprocessing
import time
from multiprocessing.pool import Pool, ThreadPool
from pathlib import Path

from attune.config import Workspace
from attune.errors import PromotionConflictError
from attune.registry import Registry
from benchmarks.registry_shop import Shop, make_shop

WRITERS = 8


def promotion_single_winner_share(root: Path, rounds: int, agree_within_seconds: float = 1.0) -> float:
    """In how many rounds exactly one of eight promotions won and every reader agreed in time."""
    shop = make_shop(root, WRITERS + 1)
    shop.registry.promote("churn", 1, None, "first", "a benchmark")
    single = 0
    # What has loaded much and has threads is not safe to fork; a process that has loaded this file is.
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([__name__])
    with server.Pool(WRITERS) as processes, ThreadPool(WRITERS) as threads:
        pools: list[Pool] = [threads, processes]
        for number in range(rounds):
            single += _one_winner(shop, pools[number % 2], agree_within_seconds)
        processes.close()
        processes.join()
    return single / rounds


def _one_winner(shop: Shop, pool: Pool, agree_within_seconds: float) -> bool:
    champion = shop.registry.champion("churn")
    assert champion is not None
    others = [found.version for found in shop.versions if found.version != champion.version]
    calls = [(shop.workspace, version, champion.version) for version in others]
    won = [version for version in pool.starmap(_promote, calls, chunksize=1) if version]
    started = time.perf_counter()
    agreed = set(pool.map(_champion, [shop.workspace] * WRITERS, chunksize=1))
    return len(won) == 1 and agreed == set(won) and time.perf_counter() - started <= agree_within_seconds


def _promote(workspace: Workspace, version: int, expected: int) -> int:
    """The version that was promoted, 0 where somebody else was faster."""
    try:
        Registry(workspace).promote("churn", version, expected, "better", f"writer {version}")
    except PromotionConflictError:
        return 0
    return version


def _champion(workspace: Workspace) -> int:
    champion = Registry(workspace).champion("churn")
    return champion.version if champion else 0
