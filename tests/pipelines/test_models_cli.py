import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.config import Workspace
from attune.errors import IntegrityError, RegistryError
from attune.registry import Registry
from pipelines.cli import app
from tests.test_registry import origin, trained


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with seven versions that anybody but Ann may approve."""
    monkeypatch.setenv("ATTUNE_PERSON", "bob")
    registry = Registry(Workspace(root=tmp_path / "data"))
    for run in range(1, 8):
        model = trained(tmp_path / str(run), weight=run)
        registry.register(model, origin(run, author="ann", approval="person"))
    return tmp_path / "data"


def attune(home: Path, words: str, *more: str) -> str:
    """Run a command that succeeds; what it said."""
    ran = CliRunner().invoke(app, [*words.split(), *more, "--home", str(home)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return " ".join(ran.output.split())


def serve(home: Path, version: int) -> None:
    attune(home, f"models approve churn {version} --yes --reason", "fair enough")
    attune(home, f"models promote churn {version} --reason better")


def test_a_version_is_approved_promoted_and_taken_back(home: Path) -> None:
    with pytest.raises(RegistryError, match="a person must approve it first: attune models approve churn 1"):
        attune(home, "models promote churn 1 --reason better")
    said = attune(home, "models approve churn 1 --yes --reason", "fair enough")
    assert "Ethical considerations" in said
    said = attune(home, "models promote churn 1 --reason better")
    assert "version 1 of churn is champion by change 1, after none" in said
    serve(home, 2)
    assert "version 1 of churn is champion again, in place of version 2" in attune(
        home, "models rollback churn --reason worse"
    )
    shown = attune(home, "models show churn")
    assert "approved by bob: fair enough" in shown
    assert "change 3, rolled back: version 1: worse" in shown
    assert "the log, its heads and 7 versions hold" in attune(home, "models verify")


def test_the_author_cannot_approve(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_PERSON", "ann")
    with pytest.raises(RegistryError, match="ann asked for version 1 of churn and cannot approve it"):
        attune(home, "models approve churn 1 --yes --reason mine")


def test_stages_are_listed_and_moved(home: Path) -> None:
    attune(home, "models stage churn 3 shadow --reason trial")
    assert "shadow" in attune(home, "models list")
    with pytest.raises(RegistryError, match="nobody is moved to champion"):
        attune(home, "models stage churn 3 champion --reason trial")
    with pytest.raises(RegistryError, match="is the shadow already"):
        attune(home, "models stage churn 3 shadow --reason trial")


def test_two_versions_are_compared(home: Path) -> None:
    said = attune(home, "models compare churn 1 2")
    assert "roc_auc" in said
    assert "0.8000 (0.7 to 0.9)" in said


def test_a_card_is_written_as_a_page(home: Path, tmp_path: Path) -> None:
    attune(home, "models show churn --version 1 --card", str(tmp_path / "card.html"))
    assert (tmp_path / "card.html").read_text().startswith("<!doctype html>")


def test_gc_keeps_what_serves_may_serve_again_or_has_answered(home: Path) -> None:
    for version in (1, 2):
        serve(home, version)
    attune(home, "models stage churn 3 canary --reason trial")
    (home / "predictions").mkdir()
    answer = {"prediction_id": "a", "model": "churn", "model_version": 5}
    (home / "predictions" / "x.jsonl").write_text(json.dumps(answer) + "\n{torn")
    assert "churn 4 would go" in attune(home, "models gc --dry-run")
    said = attune(home, "models gc")
    assert "churn 5 stays: it has predictions in the log" in said
    assert "churn 3 stays: it is the canary" in said
    assert sorted(path.name for path in (home / "models" / "churn").iterdir()) == ["1", "2", "3", "5", "7"]
    attune(home, "models rollback churn --reason worse")
    assert "hold" in attune(home, "models verify")


def test_verify_names_what_was_changed(home: Path) -> None:
    (home / "models" / "churn" / "2" / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(
        RegistryError, match=r"not everything holds, 1 found; the first: weights\.safetensors"
    ):
        attune(home, "models verify")


def test_a_lost_database_is_not_an_empty_registry(home: Path) -> None:
    (home / "registry.db").unlink()
    with pytest.raises(IntegrityError, match="the log was cut or replaced by an older one; restore"):
        attune(home, "models list")
