import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from attune.config import Workspace
from attune.errors import RegistryError
from attune.governance.checks import Check
from attune.registry import Registry, Version
from attune.release import Run, measure, release
from attune.reproduce import reproduce
from attune.trace import examples_hash, trace
from tests.test_release import PARAMS, make_run


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A champion that answered once, and the examples that its run left."""
    folder = tmp_path_factory.mktemp("trace")
    workspace = Workspace(root=folder / "data")
    run = make_run(folder / "run")
    digest = examples_hash(run.examples)
    record = run.record.model_copy(update={"data_hash": digest})
    (run.examples / "examples.json").write_text(record.model_dump_json())
    kept = workspace.runs / "training-1" / "artifacts" / "x" / "fetch-examples" / "examples"
    shutil.copytree(run.examples, kept)
    run = Run.of("churn", PARAMS, str(run.examples), [str(found) for found in run.candidates.values()])
    evaluation = str(folder / "evaluation.json")
    registry = Registry(workspace)
    measure(registry, run, evaluation)
    release(registry, run, evaluation, "a test", str(folder / "decision.json"))
    workspace.predictions.mkdir()
    answer = {
        "prediction_id": "a1",
        "at": datetime.now(UTC).isoformat(),
        "model": "churn",
        "model_version": 1,
        "feature_service": "churn_v1",
    }
    (workspace.predictions / "1.jsonl").write_text("{torn\n" + json.dumps(answer) + "\n")
    return workspace


@pytest.fixture
def mine(shop: Workspace, tmp_path: Path) -> Workspace:
    """The same in a folder that a test may damage."""
    shutil.copytree(shop.root, tmp_path / "data")
    return Workspace(root=tmp_path / "data")


def states(checks: list[Check]) -> dict[str, str]:
    return {check.what: check.state for check in checks}


def test_an_answer_is_followed_back_to_everything_it_rests_on(shop: Workspace) -> None:
    found = states(trace(Registry(shop), shop, "a1"))
    assert found["the version"] == "holds"
    assert found["the champion at that time"] == "holds"
    assert found["the training data"] == "holds"
    assert found["the code"] == "holds"
    assert found["the decision of change 1"] == "holds"
    # The examples of these tests have a schema and tables of their own.
    assert found["the feature service"] == "differs"
    assert found["the tables it was made from"] in {"differs", "not here"}


def test_what_was_changed_since_is_said(mine: Workspace) -> None:
    registry = Registry(mine)
    (registry.get("churn", 1).folder / "weights.safetensors").write_bytes(b"x")
    shutil.rmtree(mine.runs)
    found = {check.what: check for check in trace(registry, mine, "a1")}
    assert "weights.safetensors" in (found["the version"].found or "")
    assert found["the training data"].state == "not here"


def test_an_unknown_answer_is_said_to_be_unknown(shop: Workspace) -> None:
    with pytest.raises(RegistryError, match="no answer 'b2' in the prediction log"):
        trace(Registry(shop), shop, "b2")


class NoStore:
    """Whoever asks it has not found the examples of the run."""

    def historical(self, service: str, rows: object) -> object:
        raise AssertionError("the examples were there")


def champion(workspace: Workspace) -> Version:
    found = Registry(workspace).champion("churn")
    assert found is not None
    return found


def test_a_version_is_trained_again_to_the_same_bytes(shop: Workspace) -> None:
    checks = reproduce(Registry(shop), shop, champion(shop), NoStore())  # type: ignore[arg-type]
    assert {"the code", "the examples", "weights.safetensors", "config.json"} <= states(checks).keys()
    assert set(states(checks).values()) == {"holds"}


def test_a_version_without_its_plan_cannot_be_trained_again(mine: Workspace, tmp_path: Path) -> None:
    from tests.test_registry import origin, trained

    version = Registry(mine).register(trained(tmp_path / "other"), origin(9))
    with pytest.raises(RegistryError, match="did not record its plan"):
        reproduce(Registry(mine), mine, version, NoStore())  # type: ignore[arg-type]
