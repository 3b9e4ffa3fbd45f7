import json
from pathlib import Path

import pytest
from kfp import dsl

from attune.config import HOME_VARIABLE, Workspace
from attune.registry import Registry
from components.evaluate_model import evaluate_model
from components.register_model import register_model
from components.train_model import train_model
from tests.test_release import PARAMS, make_examples


def test_candidates_are_trained_measured_and_registered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "data"))
    examples = dsl.Dataset(uri=str(make_examples(tmp_path / "examples")))
    trained = [dsl.Model(uri=str(tmp_path / name)) for name in PARAMS["candidates"]]
    for name, model in zip(PARAMS["candidates"], trained, strict=True):
        assert train_model.python_func(name, PARAMS, examples, model) == 600
    evaluation, metrics = dsl.Artifact(uri=str(tmp_path / "evaluation")), dsl.Metrics()
    evaluate_model.python_func("churn", PARAMS, examples, trained, evaluation, metrics)
    assert metrics.metadata.keys() == PARAMS["candidates"].keys()
    decision = dsl.Artifact(uri=str(tmp_path / "decision"))
    verdict = register_model.python_func("churn", PARAMS, evaluation, trained, examples, "a test", decision)
    assert verdict == "promoted"
    champion = Registry(Workspace(root=tmp_path / "data")).champion("churn")
    assert champion is not None
    assert champion.folder.with_name("1.dvc").exists()
    assert json.loads(Path(decision.path).read_text())["version"] == champion.version == 1
    assert champion.manifest.metrics["roc_auc"].value == max(metrics.metadata.values())
    assert "[attune] logistic_regression: ROC-AUC 0.8" in capsys.readouterr().out
