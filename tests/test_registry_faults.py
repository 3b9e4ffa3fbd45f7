"""Kill -9 and a full disk wherever the registry writes: the old or the new is there, a re-run finishes."""

import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from attune.config import Workspace
from attune.errors import AttuneError
from attune.registry import Registry
from tests.test_registry import FORK, origin, trained

REFUSED = 3


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, the first of them champion."""
    folder = tmp_path_factory.mktemp("shop")
    registry = Registry(Workspace(root=folder / "data"))
    for run in (1, 2):
        registry.register(trained(folder / f"trained-{run}", weight=run), origin(run))
    registry.promote("churn", 1, None, "first", "a test")
    trained(folder / "trained-3", weight=3)
    return folder


def copy(shop: Path, folder: Path) -> Registry:
    shutil.copytree(shop / "data", folder)
    return Registry(Workspace(root=folder))


def ended(task: Callable[[], object]) -> int:
    """Run a task in a process of its own; how it ended."""

    def run() -> None:
        try:
            task()
        except AttuneError:
            os._exit(REFUSED)

    process = FORK.Process(target=run)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def holds(registry: Registry) -> None:
    """The invariants: nothing partial has a final name, and everything on record verifies."""
    assert registry.problems() == []
    home = registry.get("churn", 1).folder.parent
    known = {str(version.version) for version in registry.versions("churn")}
    whole = {path.name for path in home.iterdir() if path.name.isdecimal()}
    assert known <= whole


def die_at(moment: int) -> None:
    """Kill this process when it opens a file for writing, or is about to commit, for the n-th time."""
    moments = 0

    def count() -> None:
        nonlocal moments
        moments += 1
        if moments == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            count()

    sys.addaudithook(hook)
    sql.event.listen(Engine, "commit", lambda _: count())


CHANGES: dict[str, Callable[[Registry], object]] = {
    "promotion": lambda registry: registry.promote("churn", 2, 1, "better", "a test"),
    "approval": lambda registry: registry.approve(registry.get("churn", 2), "the card", "bob", "fair"),
    "stage": lambda registry: registry.move("churn", 2, "shadow", "trial", "a test"),
    "collection": lambda registry: registry.collect("churn"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_killed_wherever_it_writes_leaves_the_old_or_the_new(
    shop: Path, tmp_path: Path, change: str
) -> None:
    moment, killed = 0, True
    while killed:
        moment += 1
        registry = copy(shop, tmp_path / str(moment))
        before = registry.stages("churn")

        def task(registry: Registry = registry, moment: int = moment) -> None:
            die_at(moment)
            CHANGES[change](registry)

        killed = ended(task) == -signal.SIGKILL
        holds(registry)
        if registry.stages("churn") == before:
            CHANGES[change](registry)
            holds(registry)
    assert moment > 1 or change == "collection"


def with_largest_file(limit: int, task: Callable[[], object]) -> Callable[[], object]:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        task()

    return limited


def test_a_disk_that_is_full_at_any_write_is_said_and_nothing_partial_is_seen(
    shop: Path, tmp_path: Path
) -> None:
    done = copy(shop, tmp_path / "done")
    version = done.register(shop / "trained-3", origin(3))
    sizes = {
        path.stat().st_size for path in [*version.folder.iterdir(), *(tmp_path / "done").glob("registry.*")]
    }
    for limit in sorted({0, *(size - 1 for size in sizes)}):
        registry = copy(shop, tmp_path / str(limit))
        task = with_largest_file(limit, lambda r=registry: r.register(shop / "trained-3", origin(3)))
        assert ended(task) == REFUSED, limit
        assert [found.version for found in registry.versions("churn")] in ([1, 2], [1, 2, 3])
        holds(registry)
        assert registry.register(shop / "trained-3", origin(3)).version == 3
        holds(registry)
        assert sorted(path.name for path in version.folder.parent.iterdir()) == ["1", "2", "3"]


def test_a_promotion_on_a_full_disk_changes_nothing_or_is_recorded(shop: Path, tmp_path: Path) -> None:
    for limit in (0, 100, 1_000, 10_000):
        registry = copy(shop, tmp_path / str(limit))
        assert ended(with_largest_file(limit, lambda r=registry: CHANGES["promotion"](r))) == REFUSED
        holds(registry)
        champion = registry.champion("churn")
        assert champion is not None
        assert champion.version in (1, 2)
