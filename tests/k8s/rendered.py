"""What kubectl makes of an overlay, as plain objects, and the pods in it."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
EVERYTHING = "../tests/k8s/everything"
ALONE = ("base", "overlays/local", "overlays/production", "overlays/airgapped")  # without Kubeflow
OVERLAYS = (*ALONE, "overlays/kubeflow", EVERYTHING)
OLDEST = (1, 32)
Object = dict[str, Any]
# Kind -> where the template of its pods is.
TEMPLATES: dict[str, Callable[[Object], Object]] = {
    "Deployment": lambda spec: spec["template"],
    "StatefulSet": lambda spec: spec["template"],
    "Job": lambda spec: spec["template"],
    "CronJob": lambda spec: spec["jobTemplate"]["spec"]["template"],
    "TrainingRuntime": lambda spec: spec["template"]["spec"]["replicatedJobs"][0]["template"]["spec"][
        "template"
    ],
    "Experiment": lambda spec: spec["trialTemplate"]["trialSpec"]["spec"]["template"],
    "InferenceService": lambda spec: {
        "metadata": {"labels": spec["predictor"]["labels"]},
        "spec": spec["predictor"],
    },
}


def rendered(overlay: str) -> list[Object]:
    """Every object of an overlay; skipped where there is no kubectl, which CI must have."""
    _require_kubectl()
    return list(yaml.load_all(_text(overlay), yaml.CSafeLoader))


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    return [each for each in objects if each["kind"] in kinds]


def named(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == name]
    return found


def pod_templates(objects: list[Object]) -> dict[str, Object]:
    """`Kind/name` -> the template of its pods."""
    templates = {}
    for each in of_kind(objects, *TEMPLATES):
        templates[f"{each['kind']}/{each['metadata']['name']}"] = TEMPLATES[each["kind"]](each["spec"])
    return templates


def containers(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every container with where it is, the ones that only prepare too."""
    for where, template in pod_templates(objects).items():
        spec = template["spec"]
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield f"{where}/{container['name']}", container


def main_containers(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    for where, template in pod_templates(objects).items():
        for container in template["spec"]["containers"]:
            yield where, container


def selects(selector: Object, labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, "only matchLabels are used here"
    return selector.get("matchLabels", {}).items() <= labels.items()


@cache
def _text(overlay: str) -> str:
    return _kubectl("kustomize", str(K8S / overlay))


@cache
def _require_kubectl() -> None:
    if shutil.which("kubectl") is None:
        _missing("no kubectl; install 1.32 or newer from the Kubernetes project")
    version = json.loads(_kubectl("version", "--client", "--output", "json"))["clientVersion"]
    found = (int(version["major"]), int(re.sub(r"\D", "", version["minor"])))
    if found < OLDEST:
        _missing(f"kubectl is {version['gitVersion']}; 1.32 or newer is wanted")


def _missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _kubectl(*arguments: str) -> str:
    command = ["kubectl", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
