import json
from collections import Counter

import jsonschema
import kubernetes_validate
import pytest
from kubeflow_trainer_api import models

from tests.k8s.cel_rules import count, faults
from tests.k8s.rendered import EVERYTHING, OVERLAYS, Object, of_kind, rendered
from tests.k8s.resource_definitions import is_defined, schema_of

VERSIONS = ("1.32", "1.36")
# Nobody beside us publishes these definitions where tests can read them.
WITHOUT_DEFINITION = {
    ("external-secrets.io/v1", "ExternalSecret"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("kubeflow.org/v1beta1", "Experiment"),
    ("kueue.x-k8s.io/v1beta1", "ClusterQueue"),
    ("kueue.x-k8s.io/v1beta1", "LocalQueue"),
    ("kueue.x-k8s.io/v1beta1", "ResourceFlavor"),
}
VERSION_OF = {
    "TrainingRuntime": "trainer.kubeflow.org/v1alpha1",
    "TrainJob": "trainer.kubeflow.org/v1alpha1",
    "ScaledObject": "keda.sh/v1alpha1",
}
OF_NO_NAMESPACE = {"Namespace", "ClusterQueue", "ResourceFlavor"}


def is_custom(each: Object) -> bool:
    group = each["apiVersion"].partition("/")[0]
    others = group.endswith((".x-k8s.io", "gateway.networking.k8s.io"))
    return "." in group and (others or not group.endswith(".k8s.io"))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_what_kubernetes_knows_and_no_field_is_unknown(version):
    everything = [each for overlay in OVERLAYS for each in rendered(overlay) if not is_custom(each)]
    different = {json.dumps(each, sort_keys=True): each for each in everything}
    for each in different.values():
        kubernetes_validate.validate(each, version, strict=True)


def test_every_custom_resource_fits_its_definition(objects):
    for each in filter(is_custom, objects):
        kind = each["apiVersion"], each["kind"]
        if kind in WITHOUT_DEFINITION:
            continue
        assert is_defined(*kind), f"no definition of {kind} to check with"
        # Without a look at the definitions themselves: they are megabytes that API servers have accepted.
        jsonschema.Draft202012Validator(schema_of(*kind)).validate(each)
        assert list(faults(schema_of(*kind), each)) == []


TORCH, MPI = {"torch": {}}, {"mpi": {"mpiImplementation": "OpenMPI"}}
IN_ORDER = {"startupPolicy": {"startupPolicyOrder": "InOrder"}}
WAITS = {"name": "node", "dependsOn": [{"name": "dataset", "status": "Complete"}]}


@pytest.mark.parametrize(
    ("kind", "spec", "where"),
    [
        ("TrainingRuntime", {"mlPolicy": {**TORCH, **MPI}}, ".spec.mlPolicy"),
        (
            "TrainingRuntime",
            {"template": {"spec": {**IN_ORDER, "replicatedJobs": [WAITS]}}},
            ".spec.template.spec",
        ),
        ("ScaledObject", {"minReplicaCount": 9, "maxReplicaCount": 6}, ".spec"),
        ("ScaledObject", {"minReplicaCount": 101}, ".spec"),
        ("TrainJob", {}, ""),
    ],
)
def test_what_a_rule_of_a_definition_forbids_is_found(kind, spec, where):
    schema = schema_of(VERSION_OF[kind], kind)
    found = list(
        faults(schema, {"metadata": {"name": "Not.A.Name" if kind == "TrainJob" else "one"}, "spec": spec})
    )
    assert [place for place, _ in found] == [where]


def test_the_definitions_have_rules_to_be_held_to():
    counted = {kind: count(schema_of(version, kind)) for kind, version in VERSION_OF.items()}
    assert all(counted.values()), counted


def test_a_training_runtime_is_what_the_trainers_own_models_read():
    runtimes = of_kind(rendered(EVERYTHING), "TrainingRuntime")
    assert {each["metadata"]["name"] for each in runtimes} == {"attune-torch", "attune-torch-gpu"}
    for each in runtimes:
        read = models.TrainerV1alpha1TrainingRuntime.from_dict(each)
        assert read is not None
        assert read.spec is not None


def test_every_object_has_one_name_in_one_namespace(objects):
    names = Counter((each["kind"], each["metadata"]["name"]) for each in objects)
    assert set(names.values()) == {1}
    for each in objects:
        assert each["kind"] in OF_NO_NAMESPACE or each["metadata"]["namespace"] == "attune"


def test_the_base_needs_no_custom_resource(base):
    assert not [each for each in base if is_custom(each)]


def test_no_secret_is_in_a_manifest(objects):
    assert "Secret" not in {each["kind"] for each in objects}
