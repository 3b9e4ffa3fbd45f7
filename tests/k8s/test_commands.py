import importlib.util
import inspect
import itertools
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer

from attune.config import load_params
from attune.locks import PATIENCE_VARIABLE
from pipelines.cli import app
from serving import routing
from serving.api_keys import KEYS_FILE_VARIABLE, KEYS_VARIABLE
from tests.k8s.rendered import ROOT, containers, main_containers, named, of_kind, rendered

SOURCES = ("src", "serving", "pipelines", "components", "feature_repo")
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def parse(arguments: list[str]) -> None:
    """Let the `attune` command read its arguments, without doing anything."""
    command: Any = typer.main.get_command(app)
    name, words, parent = "attune", arguments, None
    while True:
        context = command.make_context(name, list(words), parent=parent)
        if not hasattr(command, "resolve_command"):
            return
        left = [*context._protected_args, *context.args]
        name, command, words = command.resolve_command(context, left)
        parent = context


def test_every_command_is_one_that_the_image_has(objects):
    for where, container in main_containers(objects):
        if "attune" in container["image"] and "args" in container and "command" not in container:
            program, *arguments = container["args"]
            assert program == "attune", where
            parse(arguments)


def test_what_the_first_loop_says_are_commands_too():
    job = named(rendered("overlays/local"), "Job", "first-loop")["spec"]["template"]["spec"]
    (script,) = job["containers"][0]["args"]
    said = [line.rpartition("|| ")[2] for line in script.splitlines()]
    assert [line.split()[:3] for line in said] == [
        ["attune", "data", "example"],
        ["attune", "data", "import"],
        ["attune", "run", "training"],
        ["attune", "run", "training"],
    ]
    for line in said:
        parse(shlex.split(line)[1:])


def test_a_command_that_there_is_not_would_be_found():
    with pytest.raises(Exception, match="No such command"):
        parse(["features", "bild"])
    with pytest.raises(Exception, match="No such option"):
        parse(["serve", "--hosts", "0.0.0.0"])


def test_the_variables_that_pods_get_are_those_that_the_code_reads(objects):
    code = "\n".join(file.read_text() for folder in SOURCES for file in (ROOT / folder).rglob("*.py"))
    known = set(re.findall(r"\bATTUNE_[A-Z_]+\b", code))
    asked = set(named(objects, "ConfigMap", "settings")["data"])
    for _, container in containers(objects):
        asked |= {variable["name"] for variable in container.get("env", [])}
    assert {name for name in asked if name.startswith("ATTUNE_")} <= known


def test_servers_have_keys_without_which_they_would_not_listen(base):
    serving = named(base, "Deployment", "serving")["spec"]["template"]["spec"]["containers"][0]
    assert {KEYS_VARIABLE, KEYS_FILE_VARIABLE} <= {each["name"] for each in serving["env"]}


def test_probes_and_prometheus_ask_for_pages_that_the_server_has():
    pages = set(re.findall(r'Page\(\s*"([^"]+)"', inspect.getsource(routing)))
    production = rendered("overlays/production")
    serving = named(production, "Deployment", "serving")["spec"]["template"]["spec"]["containers"][0]
    probes = {serving[probe]["httpGet"]["path"] for probe in serving if probe.endswith("Probe")}
    (endpoint,) = named(production, "ServiceMonitor", "serving")["spec"]["endpoints"]
    assert probes == {"/livez", "/readyz"}
    assert probes | {endpoint["path"]} <= pages


def test_every_model_that_is_trained_is_watched_and_served(base):
    sections = load_params(ROOT / "params.yaml")
    models = {name for name, plan in sections.items() if not plan.get("optional")} - {"features"}
    jobs = {each["metadata"]["name"] for each in of_kind(base, "CronJob")}
    assert jobs == {"import", "materialise"} | {
        f"{verb}-{model}" for verb in ("train", "watch") for model in models
    }


def test_jobs_that_watch_start_the_run_that_is_due_and_have_the_room_for_it(base):
    jobs = {job["metadata"]["name"]: job["spec"]["jobTemplate"]["spec"] for job in of_kind(base, "CronJob")}
    for name in (name for name in jobs if name.startswith("watch-")):
        watch, train = jobs[name], jobs[name.replace("watch", "train")]
        (container,) = watch["template"]["spec"]["containers"]
        (trainer,) = train["template"]["spec"]["containers"]
        assert container["args"][-1] == "--act"
        assert container["resources"] == trainer["resources"]


def test_schedules_are_read_and_no_job_waits_for_ever(objects):
    for job in of_kind(objects, "CronJob"):
        spec = job["spec"]
        fields = spec["schedule"].split()
        assert len(fields) == len(RANGES)
        for field, (low, high) in zip(fields, RANGES, strict=True):
            assert field == "*" or low <= int(field) <= high, spec["schedule"]
        assert ZoneInfo(spec["timeZone"])
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0


def test_a_job_that_finds_the_workspace_busy_waits_for_its_turn(objects):
    for where, container in main_containers(objects):
        if where.startswith(("CronJob", "Job")):
            variables = {each["name"]: each.get("value") for each in container["env"]}
            assert float(variables[PATIENCE_VARIABLE]) >= 600, where


@pytest.mark.parametrize("name", ["serving", "consume"])
def test_what_needs_tables_waits_for_them_and_says_so(name, tmp_path):
    pod = named(rendered("overlays/local"), "Deployment", name)["spec"]["template"]["spec"]
    (prepare,) = pod["initContainers"]
    script = prepare["args"][0].replace("/data", str(tmp_path))
    waiting = subprocess.Popen([*prepare["command"], script], stdout=subprocess.PIPE, text=True)
    assert "no tables in" in waiting.stdout.readline()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "tables.json").write_text("{}")
    waiting.communicate(timeout=30)
    assert waiting.returncode == 0


def test_no_job_begins_while_another_may_still_hold_the_workspace(base):
    # One writer at a time. A job that finds the workspace busy waits for its turn: for accidents.
    running = []
    for job in of_kind(base, "CronJob"):
        minute, hour, _, _, weekday = job["spec"]["schedule"].split()
        days = range(7) if weekday == "*" else [int(weekday) % 7]
        seconds = job["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]
        running += [(day * 24 * 60 + int(hour) * 60 + int(minute), seconds / 60) for day in days]
    running.sort()
    for (start, minutes), (following, _) in itertools.pairwise(running):
        assert start + minutes <= following


def test_new_secrets_are_all_that_a_cluster_of_ones_own_asks_for():
    asked: dict[str, set[str]] = {}
    for name, key in secrets_of(rendered("overlays/local")):
        asked.setdefault(name, set()).add(key)
    made = new_secrets()
    assert made.keys() == asked.keys()
    for name, keys in asked.items():
        assert keys - {""} <= made[name].keys(), name


def test_a_vault_brings_all_that_production_asks_for():
    production = rendered("overlays/production")
    brought = {
        (each["metadata"]["name"], entry["secretKey"])
        for each in of_kind(production, "ExternalSecret")
        for entry in each["spec"]["data"]
    }
    assert {(name, key) for name, key in secrets_of(production) if key} == brought


def test_secrets_are_new_each_time():
    one, other = new_secrets(), new_secrets()
    assert all(one[name] != other[name] for name in one)


def secrets_of(objects) -> set[tuple[str, str]]:
    """Each Secret that pods name, with the entry that they take; without one where they take all."""
    found = set()
    for _, container in containers(objects):
        for variable in container.get("env", []):
            if source := variable.get("valueFrom", {}).get("secretKeyRef"):
                found.add((source["name"], source["key"]))
    for template in [each for each in objects if each["kind"] in ("Deployment", "StatefulSet")]:
        for volume in template["spec"]["template"]["spec"].get("volumes", []):
            if secret := volume.get("secret"):
                items = secret.get("items", [{"key": ""}])
                found |= {(secret["secretName"], item["key"]) for item in items}
    return found


def new_secrets() -> dict[str, dict[str, str]]:
    return script().new_secrets()


def script() -> Any:
    path = Path(ROOT / "k8s" / "new_secrets.py")
    spec = importlib.util.spec_from_file_location("new_secrets", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
