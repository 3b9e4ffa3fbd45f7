"""Run a pipeline: here, by KFP's local runner, or on a cluster, by its API."""

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attune.config import HOME_VARIABLE, Workspace
from attune.errors import AttuneError, ConfigError
from attune.progress import MARK
from pipelines.catalog import compile_for, require_pipeline
from pipelines.cluster import Cluster

if TYPE_CHECKING:
    import kfp

OUR_ERROR = re.compile(r"^attune\.errors\.\w+: (?P<message>.*)$")
LAST_LINES = 30
SCHEDULE_FIELDS = 6
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
    # KFP unpacks each component into a folder for temporary files and leaves it there.
    with TemporaryDirectory(prefix="tmp-", dir=workspace.runs) as scratch:
        _follow(request | {"scratch": scratch}, workspace, log, on_progress)
    outputs = run / "outputs.json"
    if not outputs.exists():
        raise PipelineError(_what_went_wrong(name, log))
    result: dict[str, Any] = json.loads(outputs.read_text(encoding="utf-8"))
    return result


def run_on_cluster(
    name: str, arguments: Mapping[str, Any], host: str, folder: Path, cluster: Cluster | None = None
) -> str:
    """Start a pipeline on Kubeflow Pipelines and return the id of its run.

    Args:
        name: The pipeline.
        arguments: Its parameters.
        host: The address of the Kubeflow Pipelines API.
        folder: Where the compiled YAML goes.
        cluster: What the pods of its components get; None is what `cluster.yaml` of this folder says.

    Raises:
        ConfigError: The API cannot be reached, or refuses.
    """
    cluster = cluster or Cluster.read()
    file = compile_for(cluster, name, folder)
    with _kubeflow(host) as client:
        run = client.create_run_from_pipeline_package(
            str(file),
            arguments=dict(arguments),
            experiment_name=f"attune-{name}",
            namespace=cluster.namespace,
            service_account=cluster.service_account,
        )
    return str(run.run_id)


def repeat_on_cluster(
    name: str, arguments: Mapping[str, Any], cron: str, host: str, folder: Path, cluster: Cluster
) -> str:
    """Let Kubeflow Pipelines run a pipeline again and again, one run at a time, and return the schedule's id.

    Args:
        name: The pipeline.
        arguments: Its parameters, the same each time.
        cron: When, as Kubeflow writes it: second, minute, hour, day, month, weekday.
        host: The address of the Kubeflow Pipelines API.
        folder: Where the compiled YAML goes.
        cluster: What the pods of its components get.

    Raises:
        ConfigError: The time is not one, or the API cannot be reached, or refuses.
    """
    if len(cron.split()) != SCHEDULE_FIELDS:
        raise ConfigError(
            f"{cron!r} has {len(cron.split())} fields; Kubeflow wants six, seconds first: "
            "'0 0 1 * * *' is every night at 01:00"
        )
    file = compile_for(cluster, name, folder)
    with _kubeflow(host) as client:
        experiment = client.create_experiment(f"attune-{name}", namespace=cluster.namespace)
        schedule = client.create_recurring_run(
            experiment_id=experiment.experiment_id,
            job_name=f"attune-{name}",
            pipeline_package_path=str(file),
            params=dict(arguments),
            cron_expression=cron,
            max_concurrency=1,
            no_catchup=True,
            service_account=cluster.service_account,
        )
    return str(schedule.recurring_run_id)


@contextmanager
def _kubeflow(host: str) -> "Iterator[kfp.Client]":
    """A client of an API; what goes wrong there is one sentence."""
    import kfp
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    try:
        with warnings.catch_warnings():
            # KFP reminds of API servers before 2.0 whenever a client is made.
            warnings.filterwarnings("ignore", message="This client only works with Kubeflow Pipeline")
            client = kfp.Client(host=host)
        yield client
    except ApiException as error:
        raise ConfigError(
            f"Kubeflow Pipelines at {host} refuses ({error.status} {error.reason}: {error.body}); look at "
            "the namespace, the service account and the arguments"
        ) from error
    except HTTPError as error:
        raise ConfigError(
            f"no Kubeflow Pipelines API answers at {host} ({error}); check --host or ATTUNE_KFP_HOST"
        ) from error


def _follow(
    request: Mapping[str, Any], workspace: Workspace, log: Path, on_progress: Callable[[str], None]
) -> None:
    """Run a request in a child process, copy what it prints to the log, and pass its progress on."""
    environment = {
        **os.environ,
        HOME_VARIABLE: str(workspace.root),
        "TMPDIR": str(Path(request["scratch"]).absolute()),
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
