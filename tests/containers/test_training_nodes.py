import json
import uuid
from pathlib import Path

import pytest

from attune.training.nodes import EXAMPLES, REQUEST_FILE, TRAINED
from attune.training.record import TRAINING_FILE
from tests.k8s.rendered import K8S
from tests.models.examples import write_examples
from tests.training.test_train import SECTION

pytestmark = pytest.mark.filterwarnings("ignore:Support for class-based:DeprecationWarning")  # Kubeflow 0.5

RUNTIME = K8S / "components" / "trainer" / "runtime.yaml"
SEEN_AS = "/workspace"  # where Kubeflow's containers see the folder of their job


def learn_on_this_node(folder):
    """Kubeflow takes the text of this function into each container."""
    from pathlib import Path

    from attune.training.nodes import learn

    learn(Path(folder))


@pytest.fixture
def client(socket):
    """Kubeflow's own client, with our runtime; its usual source of runtimes is on the network."""
    from kubeflow.trainer import ContainerBackendConfig, TrainerClient
    from kubeflow.trainer.backends.container.types import TrainingRuntimeSource

    source = TrainingRuntimeSource(sources=[f"file://{RUNTIME}"])
    return TrainerClient(
        backend_config=ContainerBackendConfig(
            container_runtime="docker", container_host=socket, pull_policy="Never", runtime_source=source
        )
    )


@pytest.fixture
def job(client, tmp_path):
    """A job's name and its folder, which the nodes share; Kubeflow has it below the home of who asks."""
    name = f"churn-{uuid.uuid4().hex[:8]}"
    folder = tmp_path / ".kubeflow" / "trainer" / "containers" / name
    folder.mkdir(parents=True)
    yield name, folder
    client.delete_job(name)


def test_a_network_learns_on_two_nodes_of_a_train_job(client, images, job, tmp_path, monkeypatch):
    from kubeflow.trainer import CustomTrainer
    from kubeflow.trainer.options import Name

    name, folder = job
    write_examples("churn_network", folder / EXAMPLES)
    (folder / REQUEST_FILE).write_text(json.dumps({"candidate": "churn_network", "params": SECTION}))
    images.hand_over(folder, "10001:10001")
    trainer = CustomTrainer(
        func=learn_on_this_node,
        func_args={"folder": SEEN_AS},
        num_nodes=2,
        image=images.full_name,
        env={"OMP_NUM_THREADS": "1"},
    )
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("HOME", str(tmp_path))
        client.train(runtime="attune-torch", trainer=trainer, options=[Name(name)])
    ended = client.wait_for_job_status(name, timeout=300, polling_interval=1)
    logs = {step: "".join(client.get_job_logs(name, step)) for step in ("node-0", "node-1")}
    assert ended.status == "Complete", logs
    assert [step.status for step in client.get_job(name).steps] == ["Complete", "Complete"]
    record = json.loads((Path(folder) / TRAINED / TRAINING_FILE).read_text())
    assert record["rows"] == 400
    assert not list(folder.glob(f".{TRAINED}-*"))
