import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from attune.adapters.trainer import KubeflowTrainer
from attune.models.churn_network import ChurnNetwork
from attune.training.nodes import Nodes, TrainingJobError, train_on_nodes
from tests.adapters.kubernetes_api import running_cluster
from tests.k8s.cel_rules import faults
from tests.k8s.resource_definitions import schema_of
from tests.models.examples import write_examples
from tests.training.test_train import SECTION

pytestmark = pytest.mark.filterwarnings("ignore:Support for class-based:DeprecationWarning")  # Kubeflow 0.5
COMPONENT = Path(__file__).parents[2] / "k8s" / "components" / "trainer"
# The SDK looks for the version of the control plane, and does without an answer.
COURTESY = {("", "configmaps", "get")}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    runtimes = [COMPONENT / "runtime.yaml", COMPONENT / "runtime-gpu.yaml"]
    with running_cluster(tmp_path_factory.mktemp("cluster"), runtimes) as found:
        yield found


@pytest.fixture
def trainer(api, monkeypatch):
    from kubeflow.common.types import KubernetesBackendConfig
    from kubeflow.trainer import TrainerClient
    from kubernetes.client import Configuration

    monkeypatch.setenv("ATTUNE_IMAGE", "registry.example.com/attune:1")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    configuration = Configuration(host=api[0])
    return KubeflowTrainer(
        TrainerClient(KubernetesBackendConfig(namespace="attune", client_configuration=configuration))
    )


@pytest.fixture
def examples(tmp_path):
    return write_examples("churn_network", tmp_path / "examples")


def test_two_nodes_learn_together_and_the_model_comes_back(api, trainer, examples, tmp_path, capfd):
    rows = train_on_nodes(
        "churn_network", SECTION, examples, tmp_path / "model", tmp_path / "jobs", Nodes(nodes=2), trainer
    )
    assert rows == 400
    assert ChurnNetwork.load(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "training.json").read_text())["epochs"] == 2
    assert "[attune] epoch 2/2: loss" in capfd.readouterr().out
    assert list((tmp_path / "jobs").iterdir()) == []
    ((_, job),) = api[1].jobs.items()
    assert job["spec"]["runtimeRef"] == {"name": "attune-torch", "kind": "TrainingRuntime"}
    assert job["spec"]["activeDeadlineSeconds"] == 21600
    assert job["spec"]["trainer"]["numNodes"] == 2
    assert job["spec"]["trainer"]["image"] == "registry.example.com/attune:1"


def test_a_job_asks_for_its_gpus_and_waits_in_its_queue(api, trainer, tmp_path):
    nodes = Nodes(runtime="attune-torch-gpu", nodes=1, gpus=2, queue="training")
    with pytest.raises(TrainingJobError, match="TrainJob broken failed; its last words are above"):
        trainer.run("broken", tmp_path / "nothing", nodes)
    job = api[1].jobs["broken"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "training"
    assert job["spec"]["trainer"]["resourcesPerNode"]["limits"]["nvidia.com/gpu"] == 2
    assert job["spec"]["trainer"]["args"][:2] == ["--nproc-per-node", "2"]
    trainer.cancel("broken")
    trainer.cancel("broken")
    assert "broken" not in api[1].jobs


def test_a_runtime_that_is_not_there_is_one_sentence(trainer, tmp_path):
    with pytest.raises(TrainingJobError, match=r"TrainJob one did not finish .*nowhere"):
        trainer.run("one", tmp_path, Nodes(runtime="nowhere"))


def test_jobs_that_were_submitted_here_fit_the_trainers_own_definition(api):
    schema = schema_of("trainer.kubeflow.org/v1alpha1", "TrainJob")
    assert api[1].jobs
    for job in api[1].jobs.values():
        submitted = {key: job[key] for key in ("apiVersion", "kind", "metadata", "spec")}
        jsonschema.Draft202012Validator(schema).validate(submitted)
        assert list(faults(schema, submitted)) == []


def test_the_role_allows_what_was_called_here_and_nothing_else(api):
    role = yaml.safe_load((COMPONENT / "role.yaml").read_text())
    allowed = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    asked_for_nothing = {("trainer.kubeflow.org", "clustertrainingruntimes", "get")}
    assert api[1].calls - COURTESY - asked_for_nothing == allowed
