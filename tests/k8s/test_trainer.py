import json

import pytest

from attune.adapters.trainer import FIRST_NODE
from attune.training.nodes import NODES_VARIABLE, Nodes
from pipelines.cluster import Cluster
from tests.k8s.rendered import EVERYTHING, Object, named, of_kind, rendered

KUBEFLOW = "overlays/kubeflow"


def nodes_of(job: Object) -> Nodes | None:
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}.get(NODES_VARIABLE)
    return None if told is None else Nodes.parse(json.loads(told))


@pytest.mark.parametrize("overlay", [KUBEFLOW, EVERYTHING])
def test_whoever_trains_on_nodes_names_a_runtime_that_is_there(overlay):
    objects = rendered(overlay)
    asked = {job["metadata"]["name"]: nodes_of(job) for job in of_kind(objects, "CronJob")}
    submitting = {name: nodes for name, nodes in asked.items() if nodes}
    assert submitting.keys() == {"train-churn", "train-recommend"}
    for nodes in submitting.values():
        jobs = named(objects, "TrainingRuntime", nodes.runtime)["spec"]["template"]["spec"]["replicatedJobs"]
        assert [f"{each['name']}-0" for each in jobs] == [FIRST_NODE]


def test_nodes_of_a_laptop_fit_beside_all_else():
    job = named(rendered(KUBEFLOW), "CronJob", "train-churn")
    nodes = nodes_of(job)
    assert (nodes.nodes, nodes.gpus, nodes.cpu, nodes.memory) == (2, 0, "500m", "1Gi")


def test_runs_of_pipelines_act_as_an_account_that_is_there_and_may_submit_jobs():
    objects = rendered(KUBEFLOW)
    account = Cluster.read().service_account
    assert named(objects, "ServiceAccount", account)
    bound = {
        binding["roleRef"]["name"]
        for binding in of_kind(objects, "RoleBinding")
        if account in [each["name"] for each in binding["subjects"]]
    }
    assert bound == {"pipeline-runner", "training"}
