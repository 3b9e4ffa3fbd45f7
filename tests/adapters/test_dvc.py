import multiprocessing
import shutil
import subprocess
from pathlib import Path

import pytest

from attune.adapters.dvc import DvcStore
from attune.config import Workspace
from attune.errors import IntegrityError
from attune.registry import Registry, Version
from tests.test_registry import origin, trained

ROOT = Path(__file__).parents[2]
FORK = multiprocessing.get_context("fork")


def register(root: Path, run: int = 1) -> Version:
    model = trained(root / "runs" / str(run), weight=run)
    return Registry(Workspace(root=root), DvcStore(root)).register(model, origin(run))


def pointers(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.dvc") if path.is_file())


def objects(store: Path) -> list[Path]:
    return sorted(path for path in (store / "files" / "md5").rglob("*") if path.is_file())


def git(folder: Path, *arguments: str) -> str:
    command = [
        "git",
        "-C",
        str(folder),
        "-c",
        "user.name=ann",
        "-c",
        "user.email=ann@example.com",
        *arguments,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def clone(folder: Path) -> Path:
    """A checkout with what this project's own has about git and DVC."""
    folder.mkdir()
    git(folder, "init", "-q")
    for name in (".gitignore", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "the project")
    return folder


def test_outside_any_repository_the_workspace_gets_one_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "data"
    version = register(root)
    assert pointers(root) == ["models/churn/1.dvc"]
    assert len(objects(root / ".dvc" / "cache")) == 10  # nine files and the folder
    Registry(Workspace(root=root)).verify(version)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_in_a_checkout_git_sees_the_pointer_and_nothing_else(tmp_path: Path) -> None:
    checkout = clone(tmp_path / "attune")
    register(checkout / "data")
    assert git(checkout, "status", "--porcelain", "-uall").split() == ["??", "data/models/churn/1.dvc"]
    assert not (checkout / "data" / ".dvc").exists()


def test_a_checkout_that_lost_its_git_gets_a_repository_in_the_workspace(tmp_path: Path) -> None:
    checkout = clone(tmp_path / "attune")
    shutil.rmtree(checkout / ".git")
    register(checkout / "data")
    assert pointers(checkout / "data") == ["models/churn/1.dvc"]
    assert (checkout / "data" / ".dvc" / "cache").is_dir()


def test_what_is_tracked_stays_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "data"
    version = register(root)
    pointer = version.folder.with_name("1.dvc")
    before = (pointer.read_bytes(), pointer.stat().st_mtime_ns)
    DvcStore(root).track(version.folder)
    assert (pointer.read_bytes(), pointer.stat().st_mtime_ns) == before


@pytest.mark.parametrize("half", [b"", b"outs:\n- md5: 08cc", b"outs:\n", b"{"])
def test_a_half_written_pointer_is_written_again(tmp_path: Path, half: bytes) -> None:
    root = tmp_path / "data"
    pointer = register(root, 1).folder.with_name("1.dvc")
    whole = pointer.read_bytes()
    pointer.write_bytes(half)
    register(root, 2)
    assert pointers(root) == ["models/churn/1.dvc", "models/churn/2.dvc"]
    assert pointer.read_bytes() == whole


def test_processes_in_two_workspaces_and_in_one_do_not_disturb_each_other(tmp_path: Path) -> None:
    roots = [tmp_path / "one", tmp_path / "two"]
    processes = [FORK.Process(target=register, args=(root, run)) for root in roots for run in (1, 2, 3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    for root in roots:
        assert pointers(root) == [f"models/churn/{number}.dvc" for number in (1, 2, 3)]
        assert sorted(path.name for path in root.iterdir()) == [
            ".dvc",
            "keys",
            "models",
            "registry.db",
            "registry.heads",
            "runs",
        ]


def flip(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def weights_in(store: Path, version: Version) -> Path:
    weights = (version.folder / "weights.safetensors").read_bytes()
    return next(path for path in objects(store) if path.read_bytes() == weights)


def test_a_pull_brings_a_lost_version_back_and_refuses_a_changed_one(tmp_path: Path) -> None:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    root = tmp_path / "data"
    version = register(root)
    with Repo(str(root)) as repo:
        repo.push()
    stored = weights_in(root / "remote", version)
    for folder in (version.folder, root / ".dvc" / "cache"):
        shutil.rmtree(folder)
    with Repo(str(root)) as repo:
        repo.pull()
    Registry(Workspace(root=root)).verify(version)
    flip(stored)
    for folder in (version.folder, root / ".dvc" / "cache"):
        shutil.rmtree(folder)
    with Repo(str(root)) as repo, pytest.raises(DvcException):
        repo.pull()


def test_what_dvc_hands_out_from_a_changed_cache_is_refused_by_the_registry(tmp_path: Path) -> None:
    from dvc.repo import Repo

    root = tmp_path / "data"
    version = register(root)
    flip(weights_in(root / ".dvc" / "cache", version))
    shutil.rmtree(version.folder)
    with Repo(str(root)) as repo:
        repo.checkout(force=True)
    with pytest.raises(IntegrityError, match=r"weights\.safetensors"):
        Registry(Workspace(root=root)).verify(version)
