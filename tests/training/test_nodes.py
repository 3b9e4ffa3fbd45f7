import json
import signal
import subprocess
import sys
import time

import pytest

from attune.errors import ConfigError
from attune.models.churn_network import ChurnNetwork
from attune.training.nodes import (
    NODES_VARIABLE,
    Nodes,
    TrainingJobError,
    learn,
    train_on_nodes,
    train_where_told,
)
from tests.models.examples import write_examples
from tests.training.test_train import SECTION


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return write_examples("churn_network", tmp_path_factory.mktemp("given") / "examples")


class OneProcess:
    """A launcher whose only node is this process."""

    def run(self, name, folder, nodes):
        learn(folder)

    def cancel(self, name):
        raise AssertionError("nobody ended this run")


class NothingLearnt(OneProcess):
    def run(self, name, folder, nodes):
        pass


def nobody():
    raise AssertionError("nobody asked for nodes")


def test_without_nodes_training_happens_here(examples, tmp_path, monkeypatch):
    monkeypatch.delenv(NODES_VARIABLE, raising=False)
    out = str(tmp_path / "model")
    assert train_where_told("logistic_regression", SECTION, str(examples), out, tmp_path, nobody) == 400


def test_a_simple_model_needs_no_nodes(examples, tmp_path, monkeypatch):
    monkeypatch.setenv(NODES_VARIABLE, '{"nodes": 2}')
    out = str(tmp_path / "model")
    assert train_where_told("logistic_regression", SECTION, str(examples), out, tmp_path, nobody) == 400


def test_a_network_learns_where_the_environment_says(examples, tmp_path, monkeypatch):
    monkeypatch.setenv(NODES_VARIABLE, '{"nodes": 1}')
    out = tmp_path / "model"
    rows = train_where_told("churn_network", SECTION, str(examples), str(out), tmp_path / "jobs", OneProcess)
    assert rows == 400
    assert ChurnNetwork.load(out)
    assert list((tmp_path / "jobs").iterdir()) == []


def test_a_job_that_leaves_no_model_is_refused_and_the_old_model_stays(examples, tmp_path):
    out = tmp_path / "model"
    out.mkdir()
    (out / "old").touch()
    with pytest.raises(TrainingJobError, match="do its nodes see the same volume"):
        train_on_nodes("churn_network", SECTION, examples, out, tmp_path / "jobs", Nodes(), NothingLearnt())
    assert (out / "old").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two", "is no JSON"),
        ("2", 'is 2; write {"nodes": 2, "gpus": 1}'),
        ('{"node": 2}', "node: Extra inputs are not permitted"),
        ('{"nodes": 0}', "greater than or equal to 1"),
    ],
)
def test_nodes_that_cannot_be_are_refused(text, message, monkeypatch):
    monkeypatch.setenv(NODES_VARIABLE, text)
    with pytest.raises(ConfigError, match=message):
        Nodes.here()


ENDLESS = """
import json, sys, time
from pathlib import Path
from attune.training.nodes import Nodes, train_on_nodes

class Endless:
    def run(self, name, folder, nodes):
        print("running", flush=True)
        time.sleep(60)

    def cancel(self, name):
        print("cancelled", name, flush=True)

examples, out = Path(sys.argv[1]), Path(sys.argv[2])
section = json.loads(sys.argv[3])
train_on_nodes("churn_network", section, examples, out, out.parent / "jobs", Nodes(), Endless())
"""


def test_a_pipeline_that_is_cancelled_takes_its_job_along(examples, tmp_path):
    arguments = [str(examples), str(tmp_path / "model"), json.dumps(SECTION)]
    command = [sys.executable, "-c", ENDLESS, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "running\n":
                time.sleep(0.1)
                process.send_signal(signal.SIGTERM)
            if line.startswith("cancelled churn-network-"):
                break
        else:
            pytest.fail("the job was left to run")
    assert process.returncode == 128 + signal.SIGTERM
