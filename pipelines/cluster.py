"""How pipelines run on a cluster: one configuration, put onto every component of a compiled pipeline.

A component says what it does and a pipeline what follows what; neither knows a volume, a secret or a GPU.
Those are in `cluster.yaml`: what every pod gets, and what single components want instead.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from attune.config import Settings, load_params
from attune.errors import ConfigError

DEFAULT_FILE = Path(__file__).with_name("cluster.yaml")
COMPONENTS = Path(__file__).parents[1] / "components"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|[kMGT]i?)?$"
REPEATED = re.compile(r"-\d+$")  # KFP numbers a component that a pipeline uses twice
Document = dict[str, Any]


class Toleration(Settings):
    """A taint of nodes that pods of a component put up with."""

    key: str
    operator: Literal["Exists", "Equal"] = "Exists"
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = "NoSchedule"


class Retry(Settings):
    """How often a failed component is tried again, and how long is waited before."""

    times: int = Field(default=2, ge=0)
    wait_seconds: int = Field(default=30, ge=0)
    factor: float = Field(default=2.0, ge=1)
    longest_wait_seconds: int = Field(default=600, ge=0)


class Pod(Settings):
    """What the pod of a component asks for."""

    cpu: str = Field(default="1", pattern=QUANTITY, description="requested; the limit is cpu_limit")
    cpu_limit: str = Field(default="2", pattern=QUANTITY)
    memory: str = Field(default="2Gi", pattern=QUANTITY)
    memory_limit: str = Field(default="4Gi", pattern=QUANTITY)
    gpus: int = Field(default=0, ge=0)
    gpu_resource: str = "nvidia.com/gpu"
    shared_memory: str = Field(default="", description="size of /dev/shm; empty: the container runtime's")
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: list[Toleration] = Field(default_factory=list)
    retry: Retry = Retry()
    timeout_seconds: int = Field(default=7200, ge=1)
    cache: bool = Field(default=True, description="false: KFP never answers from an earlier run")
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = Field(default_factory=dict, description="beside the cluster's")
    labels: dict[str, str] = Field(default_factory=dict)


class Cluster(Settings):
    """A namespace of a cluster, and the pods that components run in there."""

    namespace: str | None = Field(default=None, description="of the user, where Kubeflow has several")
    service_account: str = Field(description="whom runs act as")
    image: str | None = Field(default=None, description="null: the one that components were declared with")
    pull_secrets: list[str] = Field(default_factory=list)
    workspace: str = Field(description="the claim of the volume that all components share")
    mount: str = Field(default="/data", description="where they see it: ATTUNE_HOME")
    config_maps: dict[str, list[str]] = Field(
        default_factory=dict, description="name: entries, variables of their own name"
    )
    secrets: dict[str, dict[str, str]] = Field(default_factory=dict, description="name: {entry: variable}")
    every: dict[str, Any] = Field(default_factory=dict, description="what the pods of all components ask for")
    components: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="what single ones want instead"
    )

    @model_validator(mode="after")
    def _components_are_there(self) -> Self:
        known = component_names()
        for name in self.components:
            if name not in known:
                raise ValueError(f"no component named {name!r}; there are: {', '.join(known)}")
        return self

    @classmethod
    def read(cls, file: Path = DEFAULT_FILE) -> Self:
        """The configuration in a file.

        Raises:
            ConfigError: The file cannot be read, or says something that is not known.
        """
        cluster = cls.parse(load_params(file, "cluster configuration"))
        for name in component_names():
            cluster.pod(name)
        return cluster

    def pod(self, component: str) -> Pod:
        """What the pod of a component asks for.

        Raises:
            ConfigError: A key is unknown or a value does not fit.
        """
        return Pod.parse({**self.every, **self.components.get(component, {})})


def component_names() -> list[str]:
    """Every component, as KFP calls it: with hyphens."""
    files = COMPONENTS.glob("[a-z]*.py")
    return sorted(file.stem.replace("_", "-") for file in files if file.stem != "base")


def place(pipeline: Document, cluster: Cluster) -> tuple[Document, Document]:
    """Put the configuration of a cluster onto a pipeline.

    Args:
        pipeline: A compiled pipeline (PipelineSpec), as plain values.
        cluster: The configuration.

    Returns:
        The pipeline with resources, retries and caching, and what else Kubernetes is told (PlatformSpec).

    Raises:
        ConfigError: The pipeline holds a component that is not of this project.
    """
    executors = pipeline["deploymentSpec"]["executors"]
    pods = {label: _pod_of(label, cluster) for label in executors}
    placed = {label: _executor(executors[label], pods[label], cluster) for label in executors}
    document = {**pipeline, "deploymentSpec": {**pipeline["deploymentSpec"], "executors": placed}}
    for task, label in _tasks(document):
        task.update(_conduct(task, pods[label]))
    kubernetes = {label: _kubernetes(pod, cluster) for label, pod in pods.items()}
    return document, {"platforms": {"kubernetes": {"deploymentSpec": {"executors": kubernetes}}}}


def _pod_of(label: str, cluster: Cluster) -> Pod:
    component = REPEATED.sub("", label.removeprefix("exec-"))
    if component not in component_names():
        raise ConfigError(
            f"a pipeline holds {component!r}, which is no file of components/; declare it there"
        )
    return cluster.pod(component)


def _tasks(pipeline: Document) -> Iterator[tuple[Document, str]]:
    """Every task that runs a component, at every depth, with the label of its executor."""
    components = pipeline["components"]
    for graph in (pipeline["root"], *components.values()):
        for task in graph.get("dag", {}).get("tasks", {}).values():
            if label := components[task["componentRef"]["name"]].get("executorLabel"):
                yield task, label


def _conduct(task: Mapping[str, Any], pod: Pod) -> Document:
    """How often a task is tried, and whether an earlier answer will do."""
    cached = pod.cache and bool(task.get("cachingOptions", {}).get("enableCache"))
    retry = pod.retry
    return {
        "cachingOptions": {"enableCache": True} if cached else {},
        "retryPolicy": {
            "maxRetryCount": retry.times,
            "backoffDuration": f"{retry.wait_seconds}s",
            "backoffFactor": retry.factor,
            "backoffMaxDuration": f"{retry.longest_wait_seconds}s",
        },
    }


def _executor(executor: Mapping[str, Any], pod: Pod, cluster: Cluster) -> Document:
    container = dict(executor["container"])
    resources: Document = {
        "resourceCpuRequest": pod.cpu,
        "resourceCpuLimit": pod.cpu_limit,
        "resourceMemoryRequest": pod.memory,
        "resourceMemoryLimit": pod.memory_limit,
    }
    if pod.gpus:
        resources["accelerator"] = {"resourceType": pod.gpu_resource, "resourceCount": str(pod.gpus)}
    container["resources"] = resources
    container["image"] = cluster.image or container["image"]
    environment = {"ATTUNE_HOME": cluster.mount, **pod.environment}
    container["env"] = [{"name": name, "value": value} for name, value in sorted(environment.items())]
    return {**executor, "container": container}


def _kubernetes(pod: Pod, cluster: Cluster) -> Document:
    """What a pod gets beside its resources, in the words of KFP's Kubernetes platform."""
    config: Document = {
        "pvcMount": [{**_named("pvcName", cluster.workspace, "constant"), "mountPath": cluster.mount}],
        "configMapAsEnv": [
            {
                **_named("configMapName", name),
                "optional": False,
                "keyToEnv": _pairs("configMapKey", {entry: entry for entry in entries}),
            }
            for name, entries in cluster.config_maps.items()
        ],
        "secretAsEnv": [
            {**_named("secretName", name), "optional": False, "keyToEnv": _pairs("secretKey", entries)}
            for name, entries in {**cluster.secrets, **pod.secrets}.items()
        ],
        # A version says which run made it.
        "fieldPathAsEnv": [{"name": "KFP_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"}],
        "imagePullSecret": [_named("secretName", name) for name in cluster.pull_secrets],
        "activeDeadlineSeconds": str(pod.timeout_seconds),
        "tolerations": [each.model_dump() for each in pod.tolerations],
        "podMetadata": {"labels": pod.labels},
        "securityContext": {"runAsUser": "10001", "runAsGroup": "10001", "runAsNonRoot": True},
    }
    if pod.node_selector:
        config["nodeSelector"] = {"labels": pod.node_selector}
    if pod.shared_memory:
        shared = {"volumeName": "shared-memory", "mountPath": "/dev/shm"}  # noqa: S108 - where torch looks
        config["emptyDirMounts"] = [{**shared, "medium": "Memory", "sizeLimit": pod.shared_memory}]
    return config


def _named(field: str, name: str, legacy: str = "") -> Document:
    """A name as KFP 2.17 reads it, and as servers before it did."""
    return {legacy or field: name, f"{field}Parameter": {"runtimeValue": {"constant": name}}}


def _pairs(field: str, entries: Mapping[str, str]) -> list[Document]:
    return [{field: entry, "envVar": variable} for entry, variable in entries.items()]
