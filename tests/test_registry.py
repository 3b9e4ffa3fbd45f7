import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sql
from safetensors.numpy import save_file
from sqlalchemy.engine import Engine

from attune.config import Workspace
from attune.errors import ConfigError, IntegrityError, PromotionConflictError, RegistryError
from attune.evaluation.results import Metric
from attune.governance.manifest import Origin, Window
from attune.registry import HEADS_FILE, Registry, Version
from tests.presentable import make_presentable

FORK = multiprocessing.get_context("fork")
JUNE = datetime(2017, 6, 4, tzinfo=UTC)


def origin(run: int = 1, **changes: Any) -> Origin:
    values: dict[str, Any] = {
        "name": "churn",
        "algorithm": "logistic_regression",
        "kind": "scorer",
        "purpose": "churn",
        "feature_service": "churn_v1",
        "schema_hash": "5" * 64,
        "data_hash": "d" * 64,
        "now": JUNE,
        "window": {"train": Window(first=JUNE, last=JUNE)},
        "metrics": {"roc_auc": Metric(value=0.8, low=0.7, high=0.9)},
        "seed": 0,
        "code_version": "c" * 64,
        "commit": None,
        "environment": "e" * 64,
        "run_key": f"{run:064d}",
    }
    return Origin.parse(values | changes)


def trained(folder: Path, weight: float = 1.0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weight": np.array([weight, 2.0])}, folder / "weights.safetensors")
    (folder / "config.json").write_text('{"config": {}, "state": {}}')
    return make_presentable(folder)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path / "data")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return trained(tmp_path / "trained")


@pytest.fixture
def registry(workspace: Workspace) -> Registry:
    return Registry(workspace)


@pytest.fixture
def version(registry: Registry, model: Path) -> Version:
    return registry.register(model, origin())


def test_a_registered_version_can_be_found_and_verified(registry: Registry, model: Path) -> None:
    first, second = registry.register(model, origin(1)), registry.register(model, origin(2))
    assert [first.version, second.version] == [1, 2]
    assert registry.versions("churn") == [first, second]
    assert registry.get("churn", 2) == second
    assert registry.find("churn", origin(2).run_key) == second
    assert registry.names() == ["churn"]
    registry.verify(second)
    assert sorted(path.name for path in second.folder.iterdir()) == [
        "config.json",
        "decision.json",
        "evaluation.json",
        "fairness.json",
        "manifest.json",
        "manifest.sig",
        "model_card.json",
        "search.json",
        "weights.safetensors",
    ]


def test_an_empty_registry_has_no_champion(registry: Registry) -> None:
    assert registry.champion("churn") is None
    assert registry.versions("churn") == []
    assert registry.events("churn") == []


def test_a_run_that_registers_twice_has_one_version(registry: Registry, model: Path) -> None:
    first = registry.register(model, origin())
    assert registry.register(trained(model, weight=9.0), origin()) == first
    assert len(registry.versions("churn")) == 1


def test_an_unknown_version_is_refused_with_those_there_are(registry: Registry, version: Version) -> None:
    with pytest.raises(RegistryError, match="churn has no version 7; registered versions: 1"):
        registry.get("churn", 7)
    with pytest.raises(RegistryError, match="run the training pipeline first"):
        registry.get("response", 1)


@pytest.mark.parametrize("name", ["../x", "--help", "/tmp/x", "Churn", "a" * 64, "a\0"])
def test_a_bad_name_leaves_no_trace(registry: Registry, workspace: Workspace, model: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="is not a model name"):
        registry.register(model, origin(name=name))
    assert not workspace.models.exists()


@pytest.mark.parametrize("name", ["../x", "--help", "/tmp/x", "a" * 300, "a\0"])
def test_a_bad_name_is_refused_wherever_it_is_asked_for(registry: Registry, name: str) -> None:
    for ask in (lambda: registry.get(name, 1), lambda: registry.promote(name, 1, None, "better", "a test")):
        with pytest.raises(RegistryError, match="is not a model name"):
            ask()


def test_an_algorithm_outside_the_catalogue_is_refused(registry: Registry, model: Path) -> None:
    with pytest.raises(ConfigError, match="no model named 'astrology'"):
        registry.register(model, origin(algorithm="astrology"))


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.pt", "run.sh", "weights"])
def test_a_format_that_can_run_code_is_refused(registry: Registry, model: Path, name: str) -> None:
    (model / name).write_bytes(b"x")
    with pytest.raises(RegistryError, match=f"{name} in .* formats that run no code"):
        registry.register(model, origin())
    assert registry.versions("churn") == []


def test_weights_that_are_not_numbers_are_refused(registry: Registry, model: Path) -> None:
    trained(model, weight=float("nan"))
    with pytest.raises(RegistryError, match=r"tensor weight in .* is not finite"):
        registry.register(model, origin())
    (model / "weights.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(RegistryError, match=r"weights\.safetensors cannot be read"):
        registry.register(model, origin())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize("damage", [flip, cut, grow, Path.unlink])
@pytest.mark.parametrize("name", ["weights.safetensors", "config.json", "manifest.json", "manifest.sig"])
def test_damage_to_any_file_is_found_and_named(
    registry: Registry, version: Version, name: str, damage: Callable[[Path], None]
) -> None:
    damage(version.folder / name)
    with pytest.raises(IntegrityError, match=name):
        registry.verify(version)
    with pytest.raises(IntegrityError, match=name):
        registry.load(version)
    with pytest.raises(IntegrityError, match=name):
        registry.promote("churn", 1, None, "better", "a test")


def test_a_missing_folder_and_an_extra_file_are_found(registry: Registry, version: Version) -> None:
    (version.folder / "extra.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"extra\.json"):
        registry.verify(version)
    version.folder.rename(version.folder.parent / "elsewhere")
    with pytest.raises(IntegrityError, match=r"manifest\.json is missing"):
        registry.verify(version)


def test_another_version_under_this_one_s_number_is_refused(registry: Registry, model: Path) -> None:
    first, second = registry.register(model, origin(1)), registry.register(model, origin(2))
    first.folder.rename(first.folder.parent / "aside")
    second.folder.rename(first.folder)
    with pytest.raises(IntegrityError, match="is not the one that was recorded for version 1"):
        registry.verify(first)


def test_a_version_signed_with_another_key_is_refused(
    registry: Registry, version: Version, tmp_path: Path, model: Path
) -> None:
    foreign = Registry(Workspace(root=tmp_path / "foreign")).register(model, origin())
    (version.folder / "manifest.sig").write_bytes((foreign.folder / "manifest.sig").read_bytes())
    with pytest.raises(IntegrityError, match=r"manifest\.sig .* the signature does not fit"):
        registry.verify(version)


def test_promotion_tells_who_was_champion_before(registry: Registry, model: Path) -> None:
    for run in (1, 2):
        registry.register(model, origin(run))
    registry.promote("churn", 1, None, "there was none", "training")
    registry.promote("churn", 2, 1, "better", "drift")
    champion = registry.champion("churn")
    assert champion is not None
    assert champion.version == 2
    assert [
        (event.sequence, event.previous, event.version, event.cause) for event in registry.events("churn")
    ] == [
        (1, None, 1, "training"),
        (2, 1, 2, "drift"),
    ]
    assert registry.register(model, origin(3)).manifest.parent == 2


def test_who_decided_against_an_older_champion_is_told_the_winner(registry: Registry, model: Path) -> None:
    for run in (1, 2, 3):
        registry.register(model, origin(run))
    registry.promote("churn", 1, None, "first", "training")
    registry.promote("churn", 2, 1, "better", "ann")
    with pytest.raises(
        PromotionConflictError, match=r"version 2 of churn became champion .*\(ann\).*version 1"
    ):
        registry.promote("churn", 3, 1, "better too", "bob")
    with pytest.raises(PromotionConflictError, match="with no champion"):
        registry.promote("churn", 3, None, "better too", "bob")
    with pytest.raises(RegistryError, match="is the champion already"):
        registry.promote("churn", 2, 2, "again", "bob")
    with pytest.raises(RegistryError, match="churn has no version 9"):
        registry.promote("churn", 9, 2, "unknown", "bob")
    assert len(registry.events("churn")) == 2


def test_nobody_is_champion_while_one_was_expected(registry: Registry, version: Version) -> None:
    with pytest.raises(PromotionConflictError, match="churn has no champion, but version 1 was compared"):
        registry.promote("churn", 1, 4, "better", "ann")


def _promote(root: Path, version: int, results: "multiprocessing.Queue[tuple[int, str]]", start: Any) -> None:
    registry = Registry(Workspace(root=root))
    start.wait()
    try:
        registry.promote("churn", version, 1, "better", f"process {version}")
        results.put((version, "won"))
    except PromotionConflictError as error:
        results.put((version, str(error)))


def test_of_eight_processes_that_promote_at_once_one_wins(
    registry: Registry, model: Path, workspace: Workspace
) -> None:
    for run in range(1, 10):
        registry.register(model, origin(run))
    registry.promote("churn", 1, None, "first", "training")
    results, start = FORK.Queue(), FORK.Barrier(8)
    processes = [
        FORK.Process(target=_promote, args=(workspace.root, version, results, start))
        for version in range(2, 10)
    ]
    for process in processes:
        process.start()
    answers = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    (winner,) = [version for version, answer in answers.items() if answer == "won"]
    losers = [answer for answer in answers.values() if answer != "won"]
    assert len(losers) == 7
    assert all(f"version {winner} of churn became champion" in answer for answer in losers)
    assert [event.version for event in registry.events("churn")] == [1, winner]


def _register(root: Path, model: Path, run: int, start: Any) -> None:
    start.wait()
    Registry(Workspace(root=root)).register(model, origin(run))


def test_processes_that_register_at_once_get_numbers_of_their_own(workspace: Workspace, model: Path) -> None:
    start = FORK.Barrier(8)
    # Runs 0 to 3, each twice: four versions.
    processes = [
        FORK.Process(target=_register, args=(workspace.root, model, run % 4, start)) for run in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    registry = Registry(workspace)
    versions = registry.versions("churn")
    assert [version.version for version in versions] == [1, 2, 3, 4]
    assert {version.manifest.run_key for version in versions} == {origin(run).run_key for run in range(4)}
    for version in versions:
        registry.verify(version)


def _in_a_process(task: Callable[[], None]) -> int:
    process = FORK.Process(target=task)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


CHANGES = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.utime",
    "os.chmod",
    "sqlite3.connect",
)


def _register_and_die_at(root: Path, model: Path, moment: int) -> None:
    moments = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal moments
        if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            moments += 1
            if moments == moment:
                _die()

    sys.addaudithook(hook)
    Registry(Workspace(root=root)).register(model, origin(2))


def _states(registry: Registry) -> Iterator[int]:
    for version in registry.versions("churn"):
        registry.verify(version)
        yield version.version


def test_a_registration_killed_at_any_moment_leaves_the_old_or_the_new(tmp_path: Path, model: Path) -> None:
    moment, killed = 0, True
    while killed:
        moment += 1
        workspace = Workspace(root=tmp_path / str(moment))
        registry = Registry(workspace)
        registry.register(model, origin(1))
        exit_code = _in_a_process(lambda: _register_and_die_at(workspace.root, model, moment))  # noqa: B023
        killed = exit_code == -signal.SIGKILL
        assert killed or exit_code == 0
        assert list(_states(registry)) in ([1], [1, 2])
        again = registry.register(model, origin(2))
        assert again.version == 2
        assert list(_states(registry)) == [1, 2]
        assert sorted(path.name for path in (workspace.models / "churn").iterdir()) == ["1", "2"]
    assert moment > 12


def _register_and_die_before_the_record(root: Path, model: Path) -> None:
    registry = Registry(Workspace(root=root))
    sql.event.listen(Engine, "commit", lambda _: _die())
    registry.register(model, origin(2))


def test_a_version_without_a_record_is_unseen_until_the_next_registration_adopts_it(
    registry: Registry, version: Version, workspace: Workspace, model: Path
) -> None:
    assert (
        _in_a_process(lambda: _register_and_die_before_the_record(workspace.root, model)) == -signal.SIGKILL
    )
    assert (workspace.models / "churn" / "2").is_dir()
    assert list(_states(registry)) == [1]
    assert registry.register(model, origin(3)).version == 3
    assert list(_states(registry)) == [1, 2, 3]
    assert registry.register(model, origin(2)).version == 2


def test_a_folder_that_is_not_ours_is_neither_adopted_nor_removed(
    registry: Registry,
    version: Version,
    workspace: Workspace,
    model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = workspace.models / "churn" / "2"
    trained(theirs)
    assert registry.register(model, origin(2)).version == 3
    assert theirs.is_dir()
    assert list(_states(registry)) == [1, 3]
    assert "left alone, not a version of ours: manifest.json is missing" in capsys.readouterr().out


def test_a_lost_record_is_rebuilt_from_the_signed_folders(workspace: Workspace, model: Path) -> None:
    for run in (1, 2):
        Registry(workspace).register(model, origin(run))
    workspace.registry.unlink()
    with pytest.raises(IntegrityError, match="event 2 of the registry's log is missing"):
        Registry(workspace).register(model, origin(3))
    # Only who moves the signed heads away says that the loss is known.
    (workspace.root / HEADS_FILE).unlink()
    registry = Registry(workspace)
    assert registry.register(model, origin(3)).version == 3
    assert list(_states(registry)) == [1, 2, 3]


class Shelf:
    """A store that remembers what it was given."""

    def __init__(self) -> None:
        self.tracked: list[str] = []

    def track(self, folder: Path) -> None:
        self.tracked.append(folder.name)

    def fetch(self, folder: Path) -> None:
        raise AssertionError("nothing was lost")


def test_the_store_is_given_the_version_again_when_its_run_is_repeated(
    workspace: Workspace, model: Path
) -> None:
    shelf = Shelf()
    registry = Registry(workspace, shelf)
    registry.register(model, origin(1))
    registry.register(model, origin(1))
    assert shelf.tracked == ["1", "1"]
