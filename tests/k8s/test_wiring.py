import re
from urllib.parse import urlsplit

from prometheus_client import Counter, Gauge, Histogram

from attune.adapters.dvc import REMOTE_VARIABLE
from monitoring.metrics import SERIES as SERIES_OF_MODELS
from serving import metrics
from serving.process import DRAIN_SECONDS
from tests.k8s.rendered import (
    EVERYTHING,
    Object,
    containers,
    named,
    of_kind,
    pod_templates,
    rendered,
    selects,
)

SERIES = re.compile(r"\battune_\w+")


def labels_of_pods(objects: list[Object]) -> dict[str, dict[str, str]]:
    return {where: each["metadata"]["labels"] for where, each in pod_templates(objects).items()}


def ports_of(template: Object) -> dict[str, int]:
    ports = [port for each in template["spec"]["containers"] for port in each.get("ports", [])]
    return {port["name"]: port["containerPort"] for port in ports}


def chosen(objects: list[Object], selector: Object) -> list[Object]:
    templates = pod_templates(objects).values()
    return [each for each in templates if selects(selector, each["metadata"]["labels"])]


def test_every_workload_chooses_its_own_pods_and_only_these(objects):
    for each in of_kind(objects, "Deployment", "StatefulSet"):
        assert chosen(objects, each["spec"]["selector"]) == [each["spec"]["template"]]


def test_every_service_finds_pods_and_their_port(objects):
    for service in of_kind(objects, "Service"):
        (template,) = chosen(objects, {"matchLabels": service["spec"]["selector"]})
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in ports_of(template)


def test_every_network_policy_is_about_pods_that_there_are(objects):
    for policy in of_kind(objects, "NetworkPolicy"):
        name = policy["metadata"]["name"]
        if name in ("allow-kubeflow", "allow-katib"):  # about pods that these make
            continue
        pods = chosen(objects, policy["spec"]["podSelector"])
        assert pods, name
        for rule in policy["spec"].get("ingress", []):
            for port in rule["ports"]:
                is_range = "endPort" in port
                assert is_range or all(port["port"] in ports_of(pod) for pod in pods), name


def test_whom_a_policy_names_within_the_namespace_is_there_and_listens(objects):
    for policy in of_kind(objects, "NetworkPolicy"):
        for rule in policy["spec"].get("egress", []):
            for peer in rule["to"]:
                if peer.keys() != {"podSelector"}:
                    continue
                pods = chosen(objects, peer["podSelector"])
                assert pods
                asked = {each["port"] for each in rule["ports"] if "endPort" not in each}
                assert all(asked <= set(ports_of(pod).values()) for pod in pods)


def test_everything_is_denied_but_what_is_named(objects):
    deny = named(objects, "NetworkPolicy", "deny-all")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in of_kind(objects, "NetworkPolicy"):
        rules = policy["spec"].get("ingress", []) + policy["spec"].get("egress", [])
        assert all(rule.get("from") or rule.get("to") for rule in rules), "a rule that names nobody is open"
        assert all(rule["ports"] for rule in rules)


def test_who_has_the_address_of_a_store_may_go_there_and_nobody_else(objects):
    for where, template in pod_templates(objects).items():
        asks = any("ATTUNE_ONLINE_STORE" in str(each.get("env")) for each in template["spec"]["containers"])
        uses = template["metadata"]["labels"].get("attune.example.com/uses") == "stores"
        assert asks == uses, where


def test_the_namespace_admits_restricted_pods_alone(objects):
    labels = named(objects, "Namespace", "attune")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_an_autoscaler_scales_what_there_is_and_leaves_room_for_a_lost_server(objects):
    for each in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        spec = each["spec"]
        target = named(objects, spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"], "two would fight over the number"
        low = spec.get("minReplicas", spec.get("minReplicaCount"))
        assert 2 <= low < spec.get("maxReplicas", spec.get("maxReplicaCount"))
    assert len(of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")) <= 1


def test_a_drain_leaves_a_server_and_waits_for_ever_only_where_there_is_one(objects):
    (budget,) = of_kind(objects, "PodDisruptionBudget")
    assert chosen(objects, budget["spec"]["selector"])
    serving = named(objects, "Deployment", "serving")["spec"]
    if serving.get("replicas") == 1:
        assert budget["spec"]["minAvailable"] == 1, "the only server would go before its successor is there"
    else:
        # A minimum that equals the number of servers would hold a node for ever.
        assert budget["spec"]["maxUnavailable"] == 1
    assert len({"minAvailable", "maxUnavailable"} & budget["spec"].keys()) == 1


def test_a_rollout_and_an_end_lose_no_request(objects):
    serving = named(objects, "Deployment", "serving")["spec"]
    assert serving["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert serving["minReadySeconds"] >= 5
    pod = serving["template"]["spec"]
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert before >= 10
    assert pod["terminationGracePeriodSeconds"] > before + DRAIN_SECONDS


def test_servers_stand_on_nodes_of_their_own_where_there_are_several():
    serving = named(rendered("overlays/production"), "Deployment", "serving")["spec"]["template"]
    rules = {each["topologyKey"]: each for each in serving["spec"]["topologySpreadConstraints"]}
    assert len(rules) == len(serving["spec"]["topologySpreadConstraints"]) == 2
    assert rules["kubernetes.io/hostname"]["whenUnsatisfiable"] == "DoNotSchedule"
    for each in rules.values():
        assert selects(each["labelSelector"], serving["metadata"]["labels"])


def test_servers_write_only_their_log_and_what_dies_with_them(objects):
    pod = named(objects, "Deployment", "serving")["spec"]["template"]["spec"]
    claims = {each["name"] for each in pod["volumes"] if "persistentVolumeClaim" in each}
    writable = [
        mount["mountPath"]
        for mount in pod["containers"][0]["volumeMounts"]
        if mount["name"] in claims and not mount.get("readOnly")
    ]
    assert writable == ["/data/predictions"]
    (prepare,) = pod["initContainers"]
    below = {each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
    made = prepare["args"][0].splitlines()[0].split()
    assert made == ["mkdir", "-p", *sorted(each for each in below if each.startswith("/data/"))]


def test_only_who_registers_has_the_signing_key(objects):
    for where, container in containers(objects):
        signs = where.startswith(("CronJob", "Job", "Deployment/console"))
        assert ("signing-key" in str(container)) == signs, where


def test_only_who_makes_versions_or_brings_them_back_has_the_keys_of_the_object_store():
    for objects in (rendered("overlays/local"), rendered("overlays/production"), rendered(EVERYTHING)):
        for where, container in containers(objects):
            keys = {each["name"] for each in container.get("env", []) if each["name"].startswith("AWS_")}
            has = where.startswith(("CronJob", "Job", "Deployment/toolbox"))
            assert keys == ({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} if has else set()), where


def test_versions_go_where_somebody_listens():
    local = rendered("overlays/local")
    settings = named(local, "ConfigMap", "settings")["data"]
    address = urlsplit(settings["AWS_ENDPOINT_URL"])
    service = named(local, "Service", address.hostname)
    assert address.port in [port["port"] for port in service["spec"]["ports"]]
    assert settings[REMOTE_VARIABLE].startswith("s3://")


def test_mounts_volumes_and_configuration_that_are_named_are_there(objects):
    claims = {each["metadata"]["name"] for each in of_kind(objects, "PersistentVolumeClaim")}
    maps = {each["metadata"]["name"] for each in of_kind(objects, "ConfigMap")}
    for where, template in pod_templates(objects).items():
        volumes = template["spec"].get("volumes", [])
        for volume in volumes:
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in {None, *claims}, where
            assert volume.get("configMap", {}).get("name") in {None, *maps}, where
    for where, container in containers(objects):
        for source in container.get("envFrom", []):
            assert source["configMapRef"]["name"] in maps, where


def test_prometheus_finds_the_servers_and_may_come_in():
    production = rendered("overlays/production")
    monitor = named(production, "ServiceMonitor", "serving")["spec"]
    service = named(production, "Service", "serving")
    assert selects(monitor["selector"], service["metadata"]["labels"])
    assert monitor["endpoints"][0]["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert named(production, "NetworkPolicy", "allow-prometheus")


def test_alerts_and_scaling_ask_for_series_that_the_server_has():
    production = rendered("overlays/production")
    known = {
        name
        for metric in vars(metrics).values()
        if isinstance(metric, Counter | Gauge | Histogram)
        for name in names_of(metric)
    }
    asked = SERIES.findall(str(of_kind(production, "PrometheusRule", "ScaledObject")))
    assert set(asked) <= known | SERIES_OF_MODELS.keys()
    assert {"attune_requests_total", "attune_requests_in_flight"} <= set(asked)


def names_of(metric: Counter | Gauge | Histogram) -> list[str]:
    (family,) = metric.describe()
    endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    return [family.name + ending for ending in endings[family.type]]


def test_production_names_stores_of_its_own():
    production = rendered("overlays/production")
    assert not of_kind(production, "StatefulSet")
    assert not {"redis", "postgres"} & {each["metadata"]["name"] for each in production}


def test_every_pod_of_a_store_is_chosen_by_a_policy_that_lets_its_clients_in(base):
    for store in ("redis", "postgres"):
        policy = named(base, "NetworkPolicy", f"allow-calls-to-{store}")["spec"]
        assert (
            policy["podSelector"]["matchLabels"].items()
            <= labels_of_pods(base)[f"StatefulSet/{store}"].items()
        )
