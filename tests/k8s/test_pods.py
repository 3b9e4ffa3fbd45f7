import re

import pytest

from tests.k8s.rendered import (
    ALONE,
    Object,
    containers,
    main_containers,
    named,
    of_kind,
    pod_templates,
    rendered,
)

PINNED = re.compile(r"\S+:\d+\.\d+(\.\d+)?(-[a-z]+)?")
OTHERS = {"redis", "postgres", "seaweedfs"}


def test_every_pod_runs_as_our_user_and_no_other(objects):
    for where, template in pod_templates(objects).items():
        security = template["spec"]["securityContext"]
        assert security["runAsNonRoot"] is True, where
        assert (security["runAsUser"], security["runAsGroup"]) == (10001, 10001), where
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, where


def test_every_container_gives_up_what_it_does_not_need(objects):
    for where, container in containers(objects):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, where


def test_no_pod_touches_its_node(objects):
    for where, template in pod_templates(objects).items():
        spec = template["spec"]
        assert not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"}, where
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}, where
        ports = [port for each in spec["containers"] for port in each.get("ports", [])]
        assert not [port for port in ports if "hostPort" in port], where


def test_a_token_has_who_submits_train_jobs_and_nobody_else(objects):
    for where, template in pod_templates(objects).items():
        asks = template["metadata"]["labels"].get("attune.example.com/asks") == "kubernetes-api"
        assert template["spec"]["automountServiceAccountToken"] is asks, where
        assert (template["spec"]["serviceAccountName"] == "training") is asks, where
    for account in of_kind(objects, "ServiceAccount"):
        by_kubeflow = account["metadata"]["name"] == "pipeline-runner"  # its pods are not ours to write
        assert account["automountServiceAccountToken"] is by_kubeflow


def test_roles_are_of_the_namespace_and_name_every_right(objects):
    assert not of_kind(objects, "ClusterRole", "ClusterRoleBinding")
    for role in of_kind(objects, "Role"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
            assert not {"pods/exec", "impersonate", "escalate", "bind"} & {*rule["verbs"], *rule["resources"]}
            assert "secrets" not in rule["resources"] or rule["resourceNames"]


@pytest.mark.parametrize("overlay", ALONE)
def test_without_a_trainer_nobody_asks_the_kubernetes_api(overlay):
    assert not of_kind(rendered(overlay), "Role", "RoleBinding")


def test_every_pod_has_an_account_of_these(objects):
    accounts = {each["metadata"]["name"] for each in of_kind(objects, "ServiceAccount")}
    for where, template in pod_templates(objects).items():
        assert template["spec"]["serviceAccountName"] in accounts, where


def test_every_container_says_what_it_takes_and_at_most(objects):
    for where, container in containers(objects):
        resources = container["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys(), where
        assert {"cpu", "memory"} <= resources["limits"].keys(), where


def test_every_empty_folder_has_a_limit(objects):
    for where, template in pod_templates(objects).items():
        for volume in template["spec"].get("volumes", []):
            assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": None}), where


def test_whatever_stays_is_probed_and_whatever_starts_slowly_may(objects):
    for where, container in main_containers(objects):
        ends = where.startswith(("CronJob", "Experiment", "Job", "TrainingRuntime"))
        if ends or where == "Deployment/consume":  # they end when they fail
            continue
        assert {"livenessProbe", "readinessProbe"} <= container.keys(), where
        assert "startupProbe" in container or "toolbox" in where
        for probe in ("livenessProbe", "readinessProbe"):
            assert container[probe].get("timeoutSeconds", 1) <= container[probe]["periodSeconds"], where


def test_images_are_our_own_or_pinned(objects):
    for where, container in containers(objects):
        image = container["image"]
        assert name_of(image) in {"attune", *OTHERS}, where
        assert PINNED.fullmatch(image) or image == "attune:dev", where


def test_the_image_that_versions_record_is_the_one_that_runs(objects):
    image = named(objects, "ConfigMap", "settings")["data"]["ATTUNE_IMAGE"]
    ours = {each["image"] for _, each in containers(objects) if name_of(each["image"]) not in OTHERS}
    assert ours == {image}


@pytest.mark.parametrize("where", ["Deployment/serving", "CronJob/train-churn"])
def test_keys_stay_their_owners_alone(base, where):
    # Kubernetes would open every file of the volume to the group at each mount.
    security = pod_templates(base)[where]["spec"]["securityContext"]
    assert security["fsGroupChangePolicy"] == "OnRootMismatch"


def test_an_airgapped_cluster_asks_its_own_registry_and_no_other():
    airgapped = rendered("overlays/airgapped")
    for where, container in containers(airgapped):
        assert container["image"].startswith("registry.internal.example:5000/"), where
    for account in of_kind(airgapped, "ServiceAccount"):
        assert account["imagePullSecrets"] == [{"name": "registry-login"}]
    assert "site" not in names(of_kind(airgapped, "ConfigMap"))


def test_training_in_production_has_a_gpu_and_tolerates_its_nodes():
    production = rendered("overlays/production")
    for model in ("churn", "recommend"):
        spec = pod_templates(production)[f"CronJob/train-{model}"]["spec"]
        assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert [each["key"] for each in spec["tolerations"]] == ["nvidia.com/gpu"]
    taking = [where for where, each in containers(production) if "nvidia.com/gpu" in str(each["resources"])]
    assert len(taking) == 2


def test_a_laptop_has_no_gpu_and_one_server():
    local = rendered("overlays/local")
    assert "nvidia" not in str(local)
    assert named(local, "Deployment", "serving")["spec"]["replicas"] == 1
    assert not of_kind(local, "HorizontalPodAutoscaler", "ScaledObject")


def name_of(image: str) -> str:
    return image.rpartition("/")[2].partition(":")[0]


def names(objects: list[Object]) -> set[str]:
    return {each["metadata"]["name"] for each in objects}
