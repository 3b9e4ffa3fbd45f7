"""Lineage of pipeline steps as OpenLineage run events: what was read, what was written, how it ended.

Events are lines of JSON in the workspace; with OPENLINEAGE_URL set they are sent to a collector as well. They
are written here and not by OpenLineage's own client, whose import would cost each step more than its event.
A collector that does not answer never stops a step: the file has every event.
"""

import json
import os
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attune.config import Workspace
from attune.governance.provenance import pipeline_run
from attune.progress import say

URL_VARIABLE = "OPENLINEAGE_URL"
LINEAGE_FILE = "lineage.jsonl"
NAMESPACE = "attune"
PRODUCER = "urn:attune"
_SPEC = "https://openlineage.io/spec"
SCHEMA = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ERROR = f"{_SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet"
_VERSION = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_PARENT = f"{_SPEC}/facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet"
_SECONDS = 5

State = Literal["START", "COMPLETE", "FAIL"]


class Step:
    """One run of one step; whoever runs it may say what version of a data set it has made."""

    def __init__(self, workspace: Workspace, job: str, reads: Sequence[str], writes: Sequence[str]):
        self._workspace = workspace
        self._job = job
        self._reads = [self._named(path) for path in reads]
        self._writes = [self._named(path) for path in writes]
        self._run = str(uuid.uuid4())
        self._versions: dict[str, str] = {}

    def made(self, path: str, version: str) -> None:
        """Say which version of a data set the step has read or made: a digest, or a number."""
        self._versions[self._named(path)] = version

    def emit(self, state: State, error: str | None = None) -> None:
        """Write an event, and send it where a collector is configured."""
        event = {
            "eventType": state,
            "eventTime": datetime.now(UTC).isoformat(),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": {"runId": self._run, "facets": self._run_facets(error)},
            "job": {"namespace": NAMESPACE, "name": self._job, "facets": {}},
            "inputs": [self._data(name) for name in self._reads],
            "outputs": [self._data(name) for name in self._writes],
        }
        line = json.dumps(event).encode()
        _append(self._workspace.root / LINEAGE_FILE, line)
        if url := os.environ.get(URL_VARIABLE):
            _send(url, line)

    def _run_facets(self, error: str | None) -> dict[str, Any]:
        facets: dict[str, Any] = {}
        if parent := pipeline_run():
            job = {"namespace": NAMESPACE, "name": "pipeline"}
            # A run id is a UUID; an orchestrator's own is made one, always the same.
            run = {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, parent))}
            facets["parent"] = _facet(_PARENT, {"run": run, "job": job})
        if error is not None:
            said = {"message": error, "programmingLanguage": "Python"}
            facets["errorMessage"] = _facet(_ERROR, said)
        return facets

    def _data(self, name: str) -> dict[str, Any]:
        version = self._versions.get(name)
        facets = {"version": _facet(_VERSION, {"datasetVersion": version})} if version else {}
        return {"namespace": NAMESPACE, "name": name, "facets": facets}

    def _named(self, path: str) -> str:
        """A data set's name: its place in the workspace, which is the same on every machine."""
        root, here = self._workspace.root.absolute(), Path(path)
        return here.relative_to(root).as_posix() if here.is_relative_to(root) else path


@contextmanager
def step(job: str, reads: Sequence[str] = (), writes: Sequence[str] = ()) -> Iterator[Step]:
    """Say that a step begins, and how it ended; what it raises goes on.

    Args:
        job: The component.
        reads: Paths, or names, of what it reads.
        writes: Paths, or names, of what it writes.
    """
    running = Step(Workspace.here(), job, reads, writes)
    running.emit("START")
    try:
        yield running
    except BaseException as error:
        # The class alone: a message may quote a value of somebody's.
        running.emit("FAIL", type(error).__name__)
        raise
    running.emit("COMPLETE")


def _facet(schema: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": schema, **content}


def _append(file: Path, line: bytes) -> None:
    """One write of one line: steps that run side by side do not mix theirs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line + b"\n")
    finally:
        os.close(descriptor)


def _send(url: str, line: bytes) -> None:
    if not url.startswith(("http://", "https://")):
        say(f"lineage: {URL_VARIABLE} is no http address; events stay in {LINEAGE_FILE}")
        return
    # S310: the scheme was looked at above.
    request = urllib.request.Request(  # noqa: S310
        f"{url.rstrip('/')}/api/v1/lineage", data=line, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):  # noqa: S310
            pass
    except OSError as error:
        say(f"lineage: the collector does not answer ({error}); the event is in {LINEAGE_FILE}")
