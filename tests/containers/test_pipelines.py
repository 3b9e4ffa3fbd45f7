import json
import os
import shutil
import subprocess
import sys
import uuid

import pytest

from attune.adapters.feast import FeastStore
from attune.config import Workspace
from attune.registry import Registry
from tests.serving.conftest import NOW, PARAMS

LABEL = "attune.example.com/test"


@pytest.fixture
def run(images, socket, tmp_path):
    """Runs a pipeline with each component in a container of its own, over a workspace below `tmp_path`."""
    mark = uuid.uuid4().hex

    def _run(pipeline, arguments):
        request = {
            "pipeline": pipeline,
            "arguments": arguments,
            "pipeline_root": str(tmp_path),  # KFP shows it to every container under the same path
            "outputs_file": str(tmp_path / "outputs.json"),
            "user": f"{os.getuid()}:{os.getgid()}",
            "labels": {LABEL: mark},
            "environment": {"ATTUNE_HOME": str(tmp_path / "data"), "HOME": "/tmp", "OMP_NUM_THREADS": "1"},
        }
        told = {**os.environ, "DOCKER_HOST": socket, "ATTUNE_IMAGE": images.full_name}
        command = [sys.executable, "-m", "tests.containers.run_pipeline"]
        return subprocess.run(
            command, input=json.dumps(request), env=told, capture_output=True, text=True, timeout=540
        )

    yield _run
    left = images.ask("ps", "--all", "--quiet", f"--filter=label={LABEL}={mark}").split()
    if left:
        images.ask("rm", "--force", *left)


def test_a_pipeline_trains_and_registers_with_each_component_in_a_container(run, shop, tmp_path):
    shutil.copytree(
        shop.workspace.root, tmp_path / "data", ignore=shutil.ignore_patterns("runs", "predictions")
    )
    workspace = Workspace(root=tmp_path / "data")
    FeastStore(workspace).apply()  # where the features are now
    before = Registry(workspace).champion("churn")
    params = {**PARAMS["churn"], "gate": {"metric": "roc_auc", "min_rows": 20}}
    arguments = {"model": "churn", "now": NOW.date().isoformat(), "features_version": "", "params": params}
    ended = run("training", {**arguments, "candidates": ["logistic_regression"]})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outputs = json.loads((tmp_path / "outputs.json").read_text())
    assert "logistic_regression" in (tmp_path / outputs["evaluation"]).read_text()
    assert Registry(workspace).versions("churn")[-1].version > before.version


def test_a_component_that_fails_in_its_container_fails_the_run(run, tmp_path):
    (tmp_path / "data").mkdir()
    ended = run("monitoring", {"model": "churn", "now": NOW.date().isoformat()})
    assert ended.returncode != 0
    assert "no version of 'churn' serves" in ended.stdout + ended.stderr
