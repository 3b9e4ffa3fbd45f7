import shutil
from pathlib import Path

import pytest

from attune.adapters.dvc import DvcStore
from attune.adapters.git_mirror import GitMirror
from attune.config import Workspace
from attune.errors import RegistryError
from attune.registry import Registry
from tests.adapters.test_dvc import clone, git
from tests.test_registry import origin, trained


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose registry has two versions, the first of them champion."""
    found = clone(tmp_path / "attune")
    (found / "dvc.yaml").write_text("# Said by a person.\nstages: {}\n")
    git(found, "add", "dvc.yaml")
    git(found, "commit", "-q", "-m", "stages")
    registry = registry_of(found)
    for run in (1, 2):
        registry.register(trained(tmp_path / f"trained-{run}", weight=run), origin(run))
    registry.promote("churn", 1, None, "the first", "a test")
    return found


def registry_of(checkout: Path) -> Registry:
    root = checkout / "data"
    return Registry(Workspace(root=root), DvcStore(root))


def mirror(checkout: Path) -> list[str]:
    return GitMirror(checkout / "data").update(registry_of(checkout))


def test_versions_and_promotions_become_tags_that_point_at_the_right_content(checkout: Path) -> None:
    from gto.api import show

    assert mirror(checkout) == ["churn@v1.0.0", "churn@v2.0.0", "churn#champion#1"]
    assert "models/churn/1" in git(checkout, "show", "churn#champion#1:dvc.yaml")
    assert git(checkout, "show", "churn@v2.0.0:dvc.yaml").startswith("# Said by a person.")
    assert git(checkout, "status", "--porcelain").strip() == ""
    (found,) = show(str(checkout), "churn#champion")
    assert found["version"] == "v1.0.0"


def test_mirroring_again_does_nothing_until_something_is_decided(checkout: Path) -> None:
    mirror(checkout)
    before = git(checkout, "rev-parse", "HEAD")
    assert mirror(checkout) == []
    assert git(checkout, "rev-parse", "HEAD") == before
    registry = registry_of(checkout)
    registry.promote("churn", 2, 1, "better", "a test")
    registry.roll_back("churn", "worse", "a test")
    assert mirror(checkout) == ["churn#champion#2", "churn#champion#3"]


def test_what_dvc_gets_by_artifact_name_is_the_version(checkout: Path, tmp_path: Path) -> None:
    from dvc.repo import Repo
    from dvc.repo.artifacts import Artifacts

    mirror(checkout)
    with Repo(str(checkout)) as repo:
        repo.push()
    Artifacts.get(str(checkout), "churn", version="v1.0.0", out=str(tmp_path / "got"))
    shutil.rmtree(checkout / "data" / "models" / "churn" / "1")
    shutil.copytree(tmp_path / "got", checkout / "data" / "models" / "churn" / "1")
    registry = registry_of(checkout)
    registry.verify(registry.get("churn", 1))
    assert registry.problems() == []


def test_changes_of_a_person_s_are_not_committed_for_them(checkout: Path) -> None:
    (checkout / "dvc.yaml").write_text("stages: {}\n")
    with pytest.raises(RegistryError, match=r"dvc\.yaml has changes of yours"):
        mirror(checkout)


def test_branch_and_tags_are_pushed_together(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "origin.git")
    git(checkout, "remote", "add", "origin", str(tmp_path / "origin.git"))
    mirror(checkout)
    GitMirror(checkout / "data").push()
    assert "churn#champion#1" in git(tmp_path / "origin.git", "tag", "--list")


def test_outside_git_the_mirror_says_so(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="not a git repository"):
        GitMirror(tmp_path)
