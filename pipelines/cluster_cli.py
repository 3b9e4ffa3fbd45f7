"""The `attune cluster` commands: pipelines as a cluster gets them, and runs that repeat by themselves."""

from pathlib import Path
from typing import Annotated

import typer

from attune.errors import ConfigError
from pipelines.cluster import DEFAULT_FILE, Cluster
from pipelines.launch import Request
from pipelines.options import HOME, PARAMS_FILE, Home, Params, launch_at
from pipelines.terminal import console

COMPILED = Path("compiled/cluster")
REPEATABLE = ("features", "monitoring")

cluster_app = typer.Typer(help="Pipelines on Kubeflow Pipelines.", no_args_is_help=True)

On = Annotated[
    Path, typer.Option("--on", help="The cluster configuration (YAML); left out: the one of k8s/.")
]
Host = Annotated[str, typer.Option(envvar="ATTUNE_KFP_HOST", help="The Kubeflow Pipelines API.")]


@cluster_app.command("compile")
def compile_for_cluster(
    on: On = DEFAULT_FILE,
    out: Annotated[Path, typer.Option(help="Where the YAML files go.")] = COMPILED,
) -> None:
    """Compile every pipeline with the volumes, secrets, resources and retries of a cluster."""
    from pipelines.catalog import compile_for, pipeline_names

    cluster = Cluster.read(on)
    for name in pipeline_names():
        console.print(str(compile_for(cluster, name, out)))


@cluster_app.command()
def schedule(
    pipeline: Annotated[str, typer.Argument(help="features or monitoring.")],
    cron: Annotated[str, typer.Option(help="When: second minute hour day month weekday.")],
    model: Annotated[str, typer.Option(help="The served model that monitoring watches.")] = "",
    on: On = DEFAULT_FILE,
    host: Host = "",
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Let Kubeflow run a pipeline again and again, on the latest that the cluster's tables know.

    For example: attune cluster schedule features --cron "0 0 1 * * *"
    """
    from pipelines.runner import repeat_on_cluster

    if pipeline not in REPEATABLE:
        raise ConfigError(f"{pipeline} does not repeat by the clock; {' and '.join(REPEATABLE)} do")
    arguments = launch_at(home, params).arguments(pipeline, Request(now="", model=model))
    found = repeat_on_cluster(pipeline, arguments, cron, require_host(host), COMPILED, Cluster.read(on))
    console.print(f"schedule {found} on {host}")


def require_host(host: str) -> str:
    """The address of an API that somebody named.

    Raises:
        ConfigError: Nobody did.
    """
    if not host:
        raise ConfigError("name the Kubeflow Pipelines API with --host or ATTUNE_KFP_HOST")
    return host
