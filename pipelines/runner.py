"""Run a pipeline: here, by KFP's local runner, or on a cluster, by its API."""

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attune.config import HOME_VARIABLE, Workspace
from attune.errors import AttuneError, ConfigError
from attune.progress import MARK
from pipelines.catalog import compile_pipelines, require_pipeline

OUR_ERROR = re.compile(r"^attune\.errors\.\w+: (?P<message>.*)$")
LAST_LINES = 30
COMPONENTS_AT_ONCE = 2  # how many tasks of a loop KFP's local runner starts at once


class PipelineError(AttuneError):
    """A component of a pipeline failed."""


def run_local(
    name: str,
    arguments: Mapping[str, Any],
    workspace: Workspace,
    code_version: str,
    on_progress: Callable[[str], None],
) -> dict[str, Any]:
    """Run a pipeline on this machine; components whose code and inputs did not change are not run again.

    Args:
        name: The pipeline.
        arguments: Its parameters.
        workspace: Where tables, features and models are.
        code_version: Changes whenever the library does; what another version made is not reused.
        on_progress: Told each line of progress.

    Returns:
        The pipeline's outputs: artifacts as paths, parameters as they are.

    Raises:
        PipelineError: A component failed; the message is the component's own where it is one of ours.
    """
    require_pipeline(name)
    run = workspace.runs / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    run.mkdir(parents=True)
    request = {
        "pipeline": name,
        "arguments": dict(arguments),
        "pipeline_root": str(run / "artifacts"),
        "cache_root": str(workspace.runs / "cache" / code_version),
        "outputs_file": str(run / "outputs.json"),
    }
    log = run / "log.txt"
    _follow(request, workspace, log, on_progress)
    outputs = run / "outputs.json"
    if not outputs.exists():
        raise PipelineError(_what_went_wrong(name, log))
    result: dict[str, Any] = json.loads(outputs.read_text(encoding="utf-8"))
    return result


def run_on_cluster(name: str, arguments: Mapping[str, Any], host: str, folder: Path) -> str:
    """Start a pipeline on Kubeflow Pipelines and return the id of its run.

    Args:
        name: The pipeline.
        arguments: Its parameters.
        host: The address of the Kubeflow Pipelines API.
        folder: Where the compiled YAML goes.

    Raises:
        ConfigError: The API cannot be reached.
    """
    import kfp
    from urllib3.exceptions import HTTPError

    require_pipeline(name)
    compile_pipelines(folder)
    try:
        with warnings.catch_warnings():
            # KFP reminds of API servers before 2.0 whenever a client is made.
            warnings.filterwarnings("ignore", message="This client only works with Kubeflow Pipeline")
            client = kfp.Client(host=host)
        run = client.create_run_from_pipeline_package(
            str(folder / f"{name}.yaml"), arguments=dict(arguments), experiment_name=f"attune-{name}"
        )
    except HTTPError as error:
        raise ConfigError(
            f"no Kubeflow Pipelines API answers at {host} ({error}); check --host or ATTUNE_KFP_HOST"
        ) from error
    return str(run.run_id)


def _follow(
    request: Mapping[str, Any], workspace: Workspace, log: Path, on_progress: Callable[[str], None]
) -> None:
    """Run a request in a child process, copy what it prints to the log, and pass its progress on."""
    environment = {
        **os.environ,
        HOME_VARIABLE: str(workspace.root),
        "PYTHONUNBUFFERED": "1",
        **_threads(),
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "pipelines.local"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child, log.open("w", encoding="utf-8") as copy:
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
        for line in child.stdout:
            copy.write(line)
            if line.lstrip().startswith(MARK):  # KFP indents what components print
                on_progress(line.strip().removeprefix(MARK))


def _threads() -> dict[str, str]:
    """Each of the components that KFP runs side by side gets its share of the cores.

    More threads than cores, waiting for each other in a loop, made training six times slower.
    """
    share = max(1, (os.cpu_count() or 1) // COMPONENTS_AT_ONCE)
    return {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(share)), "OMP_WAIT_POLICY": "PASSIVE"}


def _what_went_wrong(name: str, log: Path) -> str:
    lines = log.read_text(encoding="utf-8").splitlines()
    ours = [match["message"] for line in lines if (match := OUR_ERROR.match(line.strip()))]
    if ours:
        return f"{ours[-1]} (pipeline {name}; its log: {log})"
    tail = "\n".join([line for line in lines if line.strip()][-LAST_LINES:])
    return f"pipeline {name} failed; its log is {log}, and ends with:\n{tail}"
