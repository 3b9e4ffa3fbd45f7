"""As much of a cluster with Kubeflow Trainer as a TrainJob needs: it runs the job's command itself."""

import http.server
import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml
from kubeflow_trainer_api import models

RESOURCE = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[^/]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>[^/]+))?$"
)
VERBS = {"POST": "create", "GET": "get", "DELETE": "delete"}


class Cluster:
    """TrainingRuntimes that are there, TrainJobs that run, and every call as RBAC would name it."""

    def __init__(self, folder: Path, runtimes: list[Path]) -> None:
        self.folder = folder
        self.runtimes = {each["metadata"]["name"]: each for each in map(_read, runtimes)}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, list[subprocess.Popen[bytes]]] = {}
        self.calls: set[tuple[str, str, str]] = set()

    def create(self, job: dict[str, Any]) -> dict[str, Any]:
        """Start a job's nodes as the Trainer would: one process group each, told apart by PET_ variables."""
        models.TrainerV1alpha1TrainJob.from_dict(job)
        name, trainer = job["metadata"]["name"], job["spec"]["trainer"]
        port, count = _free_port(), trainer["numNodes"]
        self.processes[name] = [
            self._node(name, rank, [*trainer["command"], *trainer["args"]], port, count)
            for rank in range(count)
        ]
        job["metadata"] |= {"namespace": "attune", "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.jobs[name] = job
        return job

    def seen(self, name: str) -> dict[str, Any]:
        codes = [each.poll() for each in self.processes[name]]
        if None in codes:
            return self.jobs[name]
        condition = {"type": "Failed" if any(codes) else "Complete", "status": "True"}
        condition |= {"reason": "Over", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        return {**self.jobs[name], "status": {"conditions": [condition]}}

    def pods(self, selector: str) -> dict[str, Any]:
        name = re.search(r"jobset-name=([^,]+)", selector)
        assert name is not None
        nodes = self.processes.get(name[1], [])
        return {"items": [self._pod(name[1], rank, each) for rank, each in enumerate(nodes)]}

    def log(self, pod: str) -> bytes:
        """Everything that a node prints until its end."""
        name, _, rank = pod.rpartition("-")
        self.processes[name][int(rank)].wait()
        return self._log_file(name, int(rank)).read_bytes()

    def delete(self, name: str) -> None:
        del self.jobs[name]
        self.end(name)

    def end(self, name: str) -> None:
        for each in self.processes.pop(name):
            each.kill()
            each.wait()

    def _node(
        self, name: str, rank: int, command: list[str], port: int, count: int
    ) -> subprocess.Popen[bytes]:
        told = {"NNODES": count, "NODE_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        environment |= {f"PET_{key}": str(value) for key, value in told.items()}
        with self._log_file(name, rank).open("wb") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def _log_file(self, name: str, rank: int) -> Path:
        return self.folder / f"{name}-{rank}.log"

    def _pod(self, name: str, rank: int, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        code = process.poll()
        phase = {None: "Running", 0: "Succeeded"}.get(code, "Failed")
        labels = {
            "jobset.sigs.k8s.io/jobset-name": name,
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "batch.kubernetes.io/job-completion-index": str(rank),
        }
        return {
            "metadata": {
                "name": f"{name}-{rank}",
                "labels": labels,
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {"containers": [{"name": "node", "image": "attune:dev"}]},
            "status": {"phase": phase},
        }


@contextmanager
def running_cluster(folder: Path, runtimes: list[Path]) -> Iterator[tuple[str, Cluster]]:
    """The URL of an API server, and the cluster behind it."""
    cluster = Cluster(folder, runtimes)
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", cluster
        finally:
            server.shutdown()
            for name in list(cluster.processes):
                cluster.end(name)


class _Handler(http.server.BaseHTTPRequestHandler):
    cluster: Cluster

    def do_GET(self) -> None:
        asked, query = self._asked(), parse_qs(urlparse(self.path).query)
        kind, name = asked["resource"], asked["name"] or ""
        if kind == "trainingruntimes" and name in self.cluster.runtimes:
            self._answer(self.cluster.runtimes[name])
        elif kind == "trainjobs" and name in self.cluster.jobs:
            self._answer(self.cluster.seen(name))
        elif kind == "pods" and asked["sub"] == "log":
            self._send(200, self.cluster.log(name), "text/plain")
        elif kind == "pods":
            self._answer(self.cluster.pods(query["labelSelector"][0]))
        else:
            self._refuse(403 if kind in ("configmaps", "clustertrainingruntimes") else 404)

    def do_POST(self) -> None:
        self._asked()
        job = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if job["spec"]["runtimeRef"]["name"] not in self.cluster.runtimes:
            self._refuse(403)  # the webhook's word for a runtime that is not there
        else:
            self._answer(self.cluster.create(job))

    def do_DELETE(self) -> None:
        name = self._asked()["name"] or ""
        if name not in self.cluster.jobs:
            self._refuse(404)
            return
        self.cluster.delete(name)
        self._answer({"kind": "Status", "status": "Success"})

    def _asked(self) -> dict[str, str | None]:
        found = RESOURCE.fullmatch(urlparse(self.path).path)
        assert found is not None, self.path
        asked = found.groupdict()
        verb = "list" if self.command == "GET" and not asked["name"] else VERBS[self.command]
        resource = f"{asked['resource']}/{asked['sub']}" if asked["sub"] else str(asked["resource"])
        self.cluster.calls.add((asked["group"] or "", resource, verb))
        return asked

    def _answer(self, document: dict[str, Any]) -> None:
        self._send(200, json.dumps(document).encode(), "application/json")

    def _refuse(self, code: int) -> None:
        self._send(code, json.dumps({"kind": "Status", "code": code}).encode(), "application/json")

    def _send(self, code: int, content: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        pass


def _read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    return document


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
