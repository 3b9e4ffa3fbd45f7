"""Kubeflow Trainer: a job on several nodes is a TrainJob, made from a TrainingRuntime of the cluster.

Only this module imports Kubeflow's SDK, and only when a job is started.
"""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attune.errors import ConfigError
from attune.progress import say
from attune.training.nodes import NODES_VARIABLE, Nodes, TrainingJobError

if TYPE_CHECKING:
    from kubeflow.trainer import TrainerClient
    from kubeflow.trainer.types.types import TrainJob

IMAGE_VARIABLE = "ATTUNE_IMAGE"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
SECONDS_BETWEEN = 2.0
GRACE_SECONDS = 600  # beyond the job's own deadline, which the cluster keeps
ATTEMPTS = 5
FIRST_NODE = "node-0"


class KubeflowTrainer:
    """Starts jobs in the namespace of the pod that it runs in, or of the current kubectl context."""

    def __init__(self, client: "TrainerClient | None" = None) -> None:
        """A launcher.

        Args:
            client: Of Kubeflow's SDK; None makes one for the cluster around us.
        """
        self._client = client or _client()

    def run(self, name: str, folder: Path, nodes: Nodes) -> None:
        """Submit a TrainJob, pass on what its first node prints, and wait until it is complete.

        Raises:
            TrainingJobError: The cluster refuses it, it failed, or did not end in time.
        """
        try:
            self._submit(name, folder, nodes)
            self._follow(name, nodes)
        except (RuntimeError, TimeoutError) as error:
            raise TrainingJobError(
                f"TrainJob {name} did not finish ({error}: {error.__cause__ or 'no reason given'}); look at "
                f"kubectl describe trainjob {name} and at the logs of its pods"
            ) from error

    def cancel(self, name: str) -> None:
        """Delete a TrainJob and with it its pods; one that is not there is no error."""
        from kubernetes.client import ApiException

        try:
            self._client.delete_job(name)
        except RuntimeError as error:
            if not isinstance(error.__cause__, ApiException) or error.__cause__.status != 404:
                raise

    def _submit(self, name: str, folder: Path, nodes: Nodes) -> None:
        from kubeflow.trainer import CustomTrainerContainer
        from kubeflow.trainer.options import ActiveDeadlineSeconds, Labels, Name, TrainerArgs, TrainerCommand

        resources = {"cpu": nodes.cpu, "memory": nodes.memory} | ({"gpu": nodes.gpus} if nodes.gpus else {})
        labels = {"app.kubernetes.io/part-of": "attune"} | ({QUEUE_LABEL: nodes.queue} if nodes.queue else {})
        self._client.train(
            runtime=nodes.runtime,
            trainer=CustomTrainerContainer(
                image=os.environ.get(IMAGE_VARIABLE, ""),
                num_nodes=nodes.nodes,
                resources_per_node=resources,
            ),
            options=[
                Name(name),
                Labels(labels),
                ActiveDeadlineSeconds(nodes.deadline_seconds),
                TrainerCommand(["torchrun"]),
                # Who is which node, and where the first one is, the Trainer tells torchrun by PET_ variables.
                TrainerArgs(
                    ["--nproc-per-node", str(nodes.processes), "-m", "attune.training.node", str(folder)]
                ),
            ],
        )

    def _follow(self, name: str, nodes: Nodes) -> None:
        """Pass on the log of the first node, of each of its pods: a node that is lost is started again."""
        seen: set[str] = set()
        end = time.monotonic() + nodes.deadline_seconds + GRACE_SECONDS
        while time.monotonic() < end:
            job = self._job(name)
            for step in job.steps:
                if step.name == FIRST_NODE and step.status != "Pending" and step.pod_name not in seen:
                    seen.add(step.pod_name)
                    self._pass_on(name)
            if job.status == "Complete":
                return
            if job.status == "Failed":
                raise TrainingJobError(
                    f"TrainJob {name} failed; its last words are above, the rest is in "
                    f"kubectl describe trainjob {name}"
                )
            time.sleep(SECONDS_BETWEEN)
        self.cancel(name)
        raise TimeoutError(f"not over after {nodes.deadline_seconds + GRACE_SECONDS} s; deleted")

    def _job(self, name: str) -> "TrainJob":
        """The job as the cluster sees it; an API server that is away for a moment is asked again."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._client.get_job(name)
            except (RuntimeError, TimeoutError):
                if not left:
                    raise
                time.sleep(SECONDS_BETWEEN)
        raise AssertionError("the last attempt returns or raises")

    def _pass_on(self, name: str) -> None:
        try:
            for line in self._client.get_job_logs(name, FIRST_NODE, follow=True):
                print(line, flush=True)  # noqa: T201 - progress keeps its mark, the rest is for the log
        except RuntimeError as error:
            say(f"the log of job {name} broke off ({error.__cause__ or error}); it goes on without")


def _client() -> "TrainerClient":
    from kubeflow.trainer import TrainerClient
    from kubernetes.config import ConfigException

    try:
        return TrainerClient()
    except ConfigException as error:
        raise ConfigError(
            f"{NODES_VARIABLE} names nodes, but there is no cluster ({error}); a pod needs the token of its "
            "account, a laptop a kubeconfig, or take the variable away"
        ) from error
