import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import ClassVar

import psutil
import pytest
from google.protobuf.json_format import ParseDict, ParseError
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PlatformSpec

from attune.config import Workspace
from attune.errors import ConfigError
from pipelines.cluster import Cluster
from pipelines.runner import PipelineError, repeat_on_cluster, run_local, run_on_cluster

ARGUMENTS = {"model": "churn", "now": "2017-09-03"}


def test_a_failing_component_is_reported_with_its_own_sentence_and_its_log(tmp_path, monkeypatch):
    workspace, elsewhere = Workspace(root=tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    with pytest.raises(PipelineError, match=r"no version of 'churn' serves.*pipeline monitoring; its log: "):
        run_local("monitoring", ARGUMENTS, workspace, "code", on_progress=lambda line: None)
    (log,) = tmp_path.glob("runs/monitoring-*/log.txt")
    assert "detect-drift" in log.read_text()
    assert [each.name for each in workspace.runs.glob("tmp-*")] == []
    assert list(elsewhere.iterdir()) == []


def test_a_run_ends_with_its_caller_even_when_that_is_killed(tmp_path):
    script = (
        "from attune.config import Workspace; from pathlib import Path;"
        "from pipelines.runner import run_local;"
        f"run_local('monitoring', {ARGUMENTS!r}, Workspace(root=Path({str(tmp_path)!r})), 'code', print)"
    )
    caller = subprocess.Popen([sys.executable, "-c", script])
    run = _wait_for(lambda: psutil.Process(caller.pid).children(recursive=True))
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait()
    assert _wait_for(lambda: not any(_lives(process) for process in run))


def test_a_cluster_gets_the_compiled_pipeline_with_its_arguments(tmp_path, kfp_api):
    run_id = run_on_cluster("monitoring", ARGUMENTS, kfp_api.url, tmp_path)
    assert run_id == "run-1"
    body = kfp_api.started[0]
    assert body["runtime_config"]["parameters"] == ARGUMENTS
    assert body["pipeline_spec"]["pipeline_spec"]["pipelineInfo"]["name"] == "monitoring"
    assert body["service_account"] == "pipeline-runner"


def test_a_cluster_repeats_a_pipeline_by_the_clock_one_run_at_a_time(tmp_path, kfp_api):
    arguments = {"now": "", "params": {}}
    found = repeat_on_cluster("features", arguments, "0 0 1 * * *", kfp_api.url, tmp_path, Cluster.read())
    assert found == "schedule-1"
    body = kfp_api.started[0]
    assert body["trigger"]["cron_schedule"]["cron"] == "0 0 1 * * *"
    assert (body["max_concurrency"], body["no_catchup"], body["mode"]) == (1, True, "ENABLE")


def test_a_time_as_the_shell_writes_it_is_refused_with_the_right_form(tmp_path):
    with pytest.raises(
        ConfigError, match=r"has 5 fields; Kubeflow wants six, seconds first: '0 0 1 \* \* \*'"
    ):
        repeat_on_cluster("features", {}, "0 1 * * *", "http://127.0.0.1:9", tmp_path, Cluster.read())


def test_what_the_api_refuses_is_one_sentence(tmp_path, kfp_api):
    with pytest.raises(ConfigError, match=r"refuses \(400 Bad Request: .*no input named modle"):
        run_on_cluster("monitoring", {"modle": "churn"}, kfp_api.url, tmp_path)


def test_an_api_that_does_not_answer_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r"no Kubeflow Pipelines API answers at http://127\.0\.0\.1:9"):
        run_on_cluster("monitoring", ARGUMENTS, "http://127.0.0.1:9", tmp_path)


def _wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    return None


def _lives(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def _refusal(body):
    """Why the API server would not take a run: what it cannot parse, and arguments that nobody asks for."""
    try:
        spec = ParseDict(body["pipeline_spec"]["pipeline_spec"], PipelineSpec())
        ParseDict(body["pipeline_spec"]["platform_spec"], PlatformSpec())
    except (KeyError, ParseError) as error:
        return f"no pipeline: {error}"
    inputs = spec.root.input_definitions.parameters
    unknown = [name for name in body["runtime_config"]["parameters"] if name not in inputs]
    return f"no input named {unknown[0]}" if unknown else ""


class KfpApi(http.server.BaseHTTPRequestHandler):
    """As much of the Kubeflow Pipelines API as starting a run needs; what it would refuse is refused."""

    started: ClassVar[list] = []

    def do_GET(self):
        self._answer({"experiments": []} if "experiments" in self.path else {"multi_user": False})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/experiments"):
            self._answer({"experiment_id": "experiment-1", "display_name": body["display_name"]})
        elif refusal := _refusal(body):
            self._answer({"error": refusal}, status=400)
        else:
            self.started.append(body)
            self._answer({"run_id": "run-1", "recurring_run_id": "schedule-1"})

    def _answer(self, document, status=200):
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def kfp_api():
    KfpApi.started = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), KfpApi) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        KfpApi.url = f"http://127.0.0.1:{server.server_port}"
        yield KfpApi
        server.shutdown()
