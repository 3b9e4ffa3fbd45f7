import json

import pytest

from attune.errors import ConfigError, ModelError
from attune.models.logistic_regression import LogisticRegression
from attune.training.train import train, train_candidate
from tests.models.examples import FAST, churn_examples, write_examples

SECTION = {
    "feature_service": "churn_v1",
    "purpose": "churn",
    "kind": "scorer",
    "label": {"active_days": 90.0, "quiet_days": 28.0},
    "as_of": {"first": "2017-03-26"},
    "network": "churn_network",
    "candidates": {"churn_network": {"members": 2.0, "width": 8.0}, "logistic_regression": {"c": 0.5}},
    "loop": {"epochs": 2.0, "batch_size": 64.0},
}


@pytest.fixture
def examples(tmp_path):
    return write_examples("churn_network", tmp_path / "examples")


def record(folder):
    return json.loads((folder / "training.json").read_text())


def test_a_candidate_is_trained_with_the_parameters_of_its_section(examples, tmp_path):
    rows = train_candidate("churn_network", SECTION, str(examples), str(tmp_path / "model"))
    assert rows == 400
    written = record(tmp_path / "model")
    assert written["settings"]["model"]["members"] == 2
    assert written["settings"]["loop"]["epochs"] == 2
    assert (written["kind"], written["rows"], written["epochs"]) == ("scorer", 400, 2)
    assert 1 <= written["best_epoch"] <= 2


def test_a_simple_model_has_no_epochs(examples, tmp_path):
    train_candidate("logistic_regression", SECTION, str(examples), str(tmp_path / "model"))
    written = record(tmp_path / "model")
    assert written["settings"] == {"model": {"c": 0.5, "max_iterations": 500}}
    assert written["epochs"] is None


def test_progress_is_said_line_by_line(examples, tmp_path, capsys):
    train_candidate("churn_network", SECTION, str(examples), str(tmp_path / "model"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "[attune] churn_network: learning from 400 examples"
    assert lines[1].startswith("[attune] epoch 1/2: loss ")


def test_training_again_replaces_the_model_and_what_a_kill_left_behind(examples, tmp_path):
    out, unfinished = tmp_path / "model", tmp_path / ".model.unfinished"
    for folder in (out, unfinished):
        folder.mkdir()
        (folder / "leftover").write_text("half")
    train("logistic_regression", {}, FAST, examples, out)
    assert not (out / "leftover").exists()
    assert not unfinished.exists()
    assert LogisticRegression.load(out).score(churn_examples(5, seed=9)).shape == (5,)


def test_a_failed_training_leaves_the_old_model(examples, tmp_path):
    train("logistic_regression", {}, FAST, examples, tmp_path / "model")
    before = (tmp_path / "model" / "weights.safetensors").read_bytes()
    churn_examples(50, seed=0).assign(label=1).to_parquet(examples / "train.parquet")
    with pytest.raises(ModelError, match="50 of 50 training examples have label 1"):
        train("logistic_regression", {}, FAST, examples, tmp_path / "model")
    assert (tmp_path / "model" / "weights.safetensors").read_bytes() == before


@pytest.mark.parametrize("part", ["train", "validation"])
@pytest.mark.parametrize(
    ("harm", "message"), [("gone", "cannot be read"), ("cut", "cannot be read"), ("empty", "no examples")]
)
def test_examples_that_cannot_teach_are_refused_by_the_name_of_their_file(
    part, harm, message, examples, tmp_path
):
    file = examples / f"{part}.parquet"
    if harm == "gone":
        file.unlink()
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:100])
    else:
        churn_examples(0, seed=0).to_parquet(file)
    with pytest.raises(ModelError, match=f"{part}.parquet .*{message}|{part}.parquet {message}"):
        train("logistic_regression", {}, FAST, examples, tmp_path / "model")


def test_an_unknown_parameter_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="colour"):
        train("logistic_regression", {"colour": 1}, FAST, tmp_path / "nowhere", tmp_path / "model")
