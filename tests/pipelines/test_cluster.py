from typing import Any

import pytest
import yaml
from google.protobuf.json_format import MessageToDict, ParseDict
from kfp import dsl, kubernetes
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from attune.errors import ConfigError
from pipelines.catalog import compile_for, pipeline_names
from pipelines.cluster import DEFAULT_FILE, Cluster, place

EVERYTHING = {
    "service_account": "pipeline-runner",
    "image": "registry.example.com/attune:1",
    "pull_secrets": ["registry-login"],
    "workspace": "workspace",
    "config_maps": {"settings": ["HOME"]},
    "secrets": {"registry": {"url": "ATTUNE_REGISTRY_URL"}},
    "every": {"cpu": "1", "cpu_limit": "2", "memory": "4Gi", "memory_limit": "8Gi", "timeout_seconds": 60},
    "components": {
        "ingest": {
            "gpus": 2,
            "shared_memory": "1Gi",
            "node_selector": {"pool": "gpu"},
            "tolerations": [{"key": "nvidia.com/gpu"}],
            "retry": {"times": 3, "wait_seconds": 5, "factor": 2, "longest_wait_seconds": 60},
            "environment": {"OMP_NUM_THREADS": "1"},
            "labels": {"team": "crm"},
        }
    },
}


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def ingest(source: str) -> str:
    return source


@dsl.pipeline(name="by-hand")
def declared(source: str) -> None:
    ingest(source=source).set_caching_options(True)


@dsl.pipeline(name="by-hand")
def written_by_kfp(source: str) -> None:
    """What KFP's own calls write for the configuration above."""
    task = (
        ingest(source=source).set_caching_options(True).set_container_image("registry.example.com/attune:1")
    )
    task.set_cpu_request("1").set_cpu_limit("2").set_memory_request("4Gi").set_memory_limit("8Gi")
    task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2).set_retry(3, "5s", 2, "60s")
    task.set_env_variable("ATTUNE_HOME", "/data").set_env_variable("OMP_NUM_THREADS", "1")
    kubernetes.mount_pvc(task, "workspace", "/data")
    kubernetes.use_config_map_as_env(task, "settings", {"HOME": "HOME"})
    kubernetes.use_secret_as_env(task, "registry", {"url": "ATTUNE_REGISTRY_URL"})
    kubernetes.use_field_path_as_env(task, "KFP_RUN_ID", "metadata.labels['pipeline/runid']")
    kubernetes.set_image_pull_secrets(task, ["registry-login"])
    kubernetes.set_timeout(task, 60)
    kubernetes.add_toleration(task, key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_node_selector(task, "pool", "gpu")
    kubernetes.add_pod_label(task, "team", "crm")
    kubernetes.empty_dir_mount(task, "shared-memory", "/dev/shm", medium="Memory", size_limit="1Gi")
    kubernetes.set_security_context(task, run_as_user=10001, run_as_group=10001, run_as_non_root=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Every pipeline, compiled for the cluster of k8s/."""
    folder = tmp_path_factory.mktemp("compiled")
    return {name: compile_for(Cluster.read(), name, folder) for name in pipeline_names()}


@pytest.fixture(scope="module")
def compiled(files) -> dict[str, tuple[Any, Any]]:
    return {name: tuple(yaml.safe_load_all(file.read_text())) for name, file in files.items()}


def kubernetes_of(platform: Any) -> dict[str, Any]:
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_a_configuration_becomes_what_kfps_own_calls_would_write():
    spec, platform = place(MessageToDict(declared.pipeline_spec), Cluster.parse(EVERYTHING))
    wanted = MessageToDict(written_by_kfp.pipeline_spec)
    ours, theirs = (
        each["deploymentSpec"]["executors"]["exec-ingest"]["container"] for each in (spec, wanted)
    )
    # Amounts stand there a second time as numbers of another unit, for servers before 2.4.
    asked = {key: value for key, value in theirs["resources"].items() if key.startswith("resource")}
    accelerator = {k: v for k, v in theirs["resources"]["accelerator"].items() if k.startswith("resource")}
    assert ours["resources"] == asked | {"accelerator": accelerator}
    assert (ours["image"], ours["env"]) == (theirs["image"], theirs["env"])
    assert spec["root"]["dag"]["tasks"]["ingest"] == wanted["root"]["dag"]["tasks"]["ingest"]
    found = ParseDict(kubernetes_of(platform)["exec-ingest"], KubernetesExecutorConfig())
    theirs = kubernetes_of(MessageToDict(written_by_kfp.platform_spec))["exec-ingest"]
    assert found == ParseDict(theirs, KubernetesExecutorConfig())


def test_every_component_of_every_pipeline_gets_volume_secrets_resources_retries_and_an_end(compiled):
    for spec, platform in compiled.values():
        for label, executor in spec["deploymentSpec"]["executors"].items():
            config = ParseDict(kubernetes_of(platform)[label], KubernetesExecutorConfig())
            assert [(each.constant, each.mount_path) for each in config.pvc_mount] == [("workspace", "/data")]
            assert config.active_deadline_seconds > 0
            assert config.pod_metadata.labels["attune.example.com/uses"] == "stores"
            assert executor["container"]["resources"]["resourceMemoryLimit"]
        for graph in (spec["root"], *spec["components"].values()):
            for task in graph.get("dag", {}).get("tasks", {}).values():
                is_component = "executorLabel" in spec["components"][task["componentRef"]["name"]]
                assert ("retryPolicy" in task) is is_component


def test_what_is_compiled_for_a_cluster_is_what_the_api_server_parses_and_the_same_each_time(files, tmp_path):
    for name, file in files.items():
        spec = ParseDict(next(iter(yaml.safe_load_all(file.read_text()))), PipelineSpec())
        assert spec.pipeline_info.name == name
        assert compile_for(Cluster.read(), name, tmp_path).read_bytes() == file.read_bytes()


def test_only_who_signs_has_the_signing_key(compiled):
    for spec, platform in compiled.values():
        for label, config in kubernetes_of(platform).items():
            has = "signing-key" in {each["secretName"] for each in config["secretAsEnv"]}
            assert has is (label in {"exec-register-model", "exec-detect-drift"}), spec["pipelineInfo"][
                "name"
            ]


def test_caching_can_be_taken_away_but_not_added():
    never = {**EVERYTHING, "every": {"cache": False}}
    spec, _ = place(MessageToDict(declared.pipeline_spec), Cluster.parse(never))
    assert spec["root"]["dag"]["tasks"]["ingest"]["cachingOptions"] == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"components": {"train": {}}}, "no component named 'train'; there are: build-features"),
        ({"components": {"ingest": {"gpu": 1}}}, "gpu: Extra inputs are not permitted"),
        ({"every": {"memory": "4 GB"}}, "memory: String should match pattern"),
        ({"workspase": "x"}, "workspase: Extra inputs are not permitted"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_before_anything_is_sent(change, message, tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(DEFAULT_FILE.read_text()), **change}))
    with pytest.raises(ConfigError, match=message):
        Cluster.read(file)
