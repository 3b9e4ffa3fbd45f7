"""Damage a registry in a thousand ways, race for it, roll it back under load, and time what it costs."""

import hashlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from attune.config import Workspace
from attune.errors import AttuneError
from attune.governance.manifest import Origin
from attune.registry import Registry
from benchmarks.registry_faults import VERSION_FAULTS, damage_log
from benchmarks.registry_race import WRITERS, promotion_single_winner_share
from benchmarks.registry_rollback import rollback_under_load
from benchmarks.registry_shop import Shop, make_shop
from benchmarks.results import Result, write_results
from serving.champions import Champions

CORRUPTIONS, ROUNDS, LOG_FAULTS, ROLLBACKS = 1000, 50, 1000, 50
VERSION_BYTES = 200_000_000


def main() -> None:
    """Measure everything and write results/registry.json."""
    logging.disable(logging.CRITICAL)  # a thousand refusals are what is wanted here
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shares = {
            "corruption_refused_share": corruption_refused_share(root / "corruption", CORRUPTIONS),
            "promotion_single_winner_share": promotion_single_winner_share(root / "race", ROUNDS),
            "log_edits_detected_share": log_edits_detected_share(root / "log", LOG_FAULTS),
        }
        slowest, failed, asked = rollback_under_load(root / "rollback", ROLLBACKS)
        ratio = register_overhead_ratio(root / "overhead", VERSION_BYTES)
    results = [_result(name, share, "share") for name, share in shares.items()]
    results += [
        _result("rollback_max_s", slowest, "s"),
        _result("rollback_failed_requests", failed, "requests"),
        _result("rollback_requests", asked, "requests"),
        _result("register_overhead_ratio", ratio, "x"),
    ]
    print(write_results("registry", results).read_text(encoding="utf-8"))


def corruption_refused_share(root: Path, count: int) -> float:
    """How many of so many faults are refused and named, while the last good version goes on serving."""
    shop = make_shop(root, 3)
    shop.registry.promote("churn", 1, None, "first", "a benchmark")
    before = shutil.copytree(shop.workspace.root, root / "before")
    shop.registry.promote("churn", 2, 1, "better", "a benchmark")
    draw = np.random.default_rng(0)
    refused = 0
    for number in range(count):
        with _copy(before, root / "damaged") as workspace:
            champions = Champions(Registry(workspace))
            champions.refresh()
            shutil.rmtree(workspace.root)
            shutil.copytree(shop.workspace.root, workspace.root)
            named = VERSION_FAULTS[number % len(VERSION_FAULTS)](workspace, draw)
            champions.refresh()
            serving = champions.of("churn")
            still_good = serving is not None and serving.number == 1
            refused += still_good and named in _refusal(Registry(workspace))
    return refused / count


def log_edits_detected_share(root: Path, count: int) -> float:
    """How many edits, deletions, swaps and tail cuts of the log are found."""
    shop = make_shop(root, 4)
    registry = shop.registry
    promoted = None
    for number in range(20):
        registry.promote("churn", number % 4 + 1, promoted, "better", "a benchmark")
        promoted = number % 4 + 1
    draw = np.random.default_rng(1)
    found = 0
    for _ in range(count):
        with _copy(shop.workspace.root, root / "damaged") as workspace:
            damage_log(workspace, draw, events=24)
            found += bool(Registry(workspace).problems())
    return found / count


def register_overhead_ratio(root: Path, size: int) -> float:
    """How long it takes to register and verify a version, against copying its bytes and hashing them once."""
    shop = make_shop(root, 1)
    model = shutil.copytree(shop.versions[0].folder, root / "large")
    for name in ("manifest.json", "manifest.sig"):
        (model / name).unlink()
    weights = np.random.default_rng(2).random(size // 4, dtype=np.float32)
    save_file({"weights": weights}, model / "weights.safetensors")
    del weights
    ratios = [_overhead(shop, model, run) for run in range(3)]
    return sorted(ratios)[1]


def _overhead(shop: Shop, model: Path, run: int) -> float:
    manifest = shop.versions[0].manifest
    given = manifest.model_dump(exclude={"version", "parent", "created_at", "files"})
    origin = Origin.model_validate(given | {"run_key": f"large-{run}"})
    plain = _seconds(lambda: _copy_and_hash(model, shop.workspace.root / f"plain-{run}"))
    registry = shop.registry
    ours = _seconds(lambda: registry.verify(registry.register(model, origin)))
    return ours / plain


def _refusal(registry: Registry) -> str:
    """What stands against the champion of a damaged registry."""
    try:
        champion = registry.champion("churn")
        if champion is not None:
            registry.load(champion)
    except AttuneError as error:
        return str(error)
    return ""


@contextmanager
def _copy(root: Path, folder: Path) -> Iterator[Workspace]:
    shutil.copytree(root, folder)
    yield Workspace(root=folder)
    shutil.rmtree(folder)


def _copy_and_hash(folder: Path, out: Path) -> None:
    shutil.copytree(folder, out)
    for path in out.iterdir():
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
            os.fsync(file.fileno())
    shutil.rmtree(out)


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _result(name: str, value: float, unit: str) -> Result:
    return Result.here(
        name=name,
        value=round(value, 4),
        unit=unit,
        data=f"{CORRUPTIONS} faults, {ROUNDS} races of {WRITERS}, {LOG_FAULTS} edits, {ROLLBACKS} rollbacks",
        protocol="SQLite; rollback until the first answer over HTTP, one worker, four applications asking; "
        "overhead of 200 MB: middle of three, against copy, sync and hash",
        command="make bench-registry",
    )


if __name__ == "__main__":
    main()
