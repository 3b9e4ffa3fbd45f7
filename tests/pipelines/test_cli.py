import sys

import pytest
from typer.testing import CliRunner

from attune.locks import only_writer
from pipelines.cli import app, main

COMMANDS = [
    "demo",
    "run",
    "compile",
    "serve",
    "monitor",
    "data import",
    "features build",
    "features list",
    "features show",
    "features audit",
    "features materialize",
    "features backfill",
    "features parity",
    "features push",
    "features consume",
    "models list",
    "models show",
    "models compare",
    "models approve",
    "models stage",
    "models promote",
    "models rollback",
    "models verify",
    "models gc",
    "models restore",
    "models mirror",
    "retraining show",
    "retraining pause",
    "retraining resume",
    "trace",
    "reproduce",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    shown = CliRunner().invoke(app, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("data import", "name one thing to import"),
        ("data import --source nothing", "no source 'nothing'; name one of complete_journey"),
        ("data import --source complete_journey --until soon", "'soon' is no date"),
        ("data import --mapping missing.yaml", "missing.yaml"),
        ("run training --now 2017-09-03", "pipeline training needs --model"),
        ("run trainig --model churn --now 2017-09-03", "no pipeline named 'trainig'"),
        ("run training --model chum --now 2017-09-03 --params {params}", "no model 'chum' in the parameters"),
        ("run training --model churn --cluster", "name the Kubeflow Pipelines API"),
        ("run training --model churn --cluster --host http://127.0.0.1:9", "name the date with --now"),
        ("run features --params missing.yaml", "no parameter file missing.yaml"),
        ("run features --params {spoilt}", "the section colour holds a str, not parameters"),
        ("features build", "import"),
        ("features materialize", "import"),
        ("features backfill --from 2017-09-03 --to 2017-06-04", "there is no date; exchange them"),
        ("features parity", "import"),
        ("features push -", "no key of pseudonyms"),
        ("features consume", "name it with --url"),
        ("models show churn", "churn has no champion"),
        ("models show churn --version 3", "churn has no version 3"),
        ("monitor churn --now 2017-09-03", "nothing to watch"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_1(arguments, message, tmp_path, attune):
    params = tmp_path / "params.yaml"
    params.write_text("churn: {candidates: {}}\n")
    home = tmp_path / "home"
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text("churn: {candidates: {}}\ncolour: red\n")
    words = arguments.format(params=params, spoilt=spoilt).split()
    if "--params" not in words and words[0] in {"run", "features", "monitor"}:
        words += ["--params", str(params)]
    code, error = attune(*words, "--home", str(home))
    assert code == 1
    assert error.startswith("error: ")
    assert message in error


def test_a_home_in_use_is_not_written_to(tmp_path, attune):
    with only_writer(tmp_path):
        code, error = attune("data", "import", "--source", "complete_journey", "--home", str(tmp_path))
    assert code == 1
    assert "is in use by process" in error
    assert [file.name for file in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("home", ["taken", "taken/below"])
def test_a_home_that_cannot_be_is_one_sentence(tmp_path, attune, home):
    (tmp_path / "taken").write_text("a file")
    code, error = attune("data", "import", "--source", "complete_journey", "--home", str(tmp_path / home))
    assert code == 1
    assert error.startswith("error: the system refuses")
    assert str(tmp_path / home) in error


def test_no_versions_is_said_and_not_an_error(tmp_path):
    shown = CliRunner().invoke(app, ["models", "list", "--home", str(tmp_path)])
    assert shown.exit_code == 0
    assert "no versions yet" in shown.output


@pytest.fixture
def attune(monkeypatch, capsys):
    """Run the command; its exit code and what it said on standard error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["attune", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().err

    return run
