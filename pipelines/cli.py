"""The `attune` command: the loop step by step, or the whole story at once."""

import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from attune.data.times import parse_moment
from attune.errors import AttuneError, ConfigError
from attune.locks import only_writer
from pipelines import (
    console_cli,
    example_cli,
    export_cli,
    features_cli,
    models_cli,
    predictions_cli,
    retraining_cli,
    tuning_cli,
)
from pipelines.cluster import DEFAULT_FILE
from pipelines.cluster_cli import COMPILED, Host, On, cluster_app, require_host
from pipelines.launch import ASKED_FOR, Launch, Request, keep_metrics
from pipelines.options import HOME, PARAMS_FILE, Home, Now, Params, launch_at, workspace_at
from pipelines.terminal import console

DEMO_HOME = Path("data/demo")
LOOPBACK = "127.0.0.1"

app = typer.Typer(
    help="Keep personalised-marketing models attuned to their customers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Tables: import them, checked, cleaned and pseudonymised.", no_args_is_help=True)
app.add_typer(data_app, name="data")
data_app.command()(example_cli.example)
app.add_typer(features_cli.app, name="features")
app.add_typer(cluster_app, name="cluster")
app.add_typer(models_cli.app, name="models")
models_cli.app.command()(export_cli.export)
app.add_typer(predictions_cli.app, name="predictions")
app.add_typer(console_cli.app, name="console")
app.add_typer(retraining_cli.app, name="retraining")
app.command()(retraining_cli.monitor)
app.command()(tuning_cli.tune)
app.command()(tuning_cli.trial)
app.command()(models_cli.trace)
app.command()(models_cli.reproduce)


@app.command()
def demo(home: Home = DEMO_HOME, params: Params = PARAMS_FILE) -> None:
    """Tell the story of the whole loop on real grocery purchases, from data to retraining."""
    from pipelines.demo.story import tell

    tell(workspace_at(home), params)


@data_app.command("import")
def import_data(
    source: Annotated[str, typer.Option(help="A public data set: complete_journey.")] = "",
    mapping: Annotated[str, typer.Option(help="A mapping of files of your own (YAML).")] = "",
    until: Annotated[str, typer.Option(help="Take only what was known before this date.")] = "",
    quarantine: Annotated[
        bool, typer.Option(help="Set rows aside that do not hold, keep the others.")
    ] = False,
    accept_changes: Annotated[bool, typer.Option(help="Take tables that look unlike the last ones.")] = False,
    home: Home = HOME,
) -> None:
    """Import tables; nothing is written unless every contract and every check holds.

    For example: attune data import --source complete_journey --until 2017-09-03
    """
    from attune.data.importing import ImportOptions, RefusedImportError
    from attune.data.ingest import CHECKS_FILE, ingest
    from monitoring.data_checks_page import write_data_checks_page

    if bool(source) == bool(mapping):
        raise ConfigError("name one thing to import: --source complete_journey, or --mapping my.yaml")
    workspace = workspace_at(home)
    with only_writer(workspace.root):
        options = ImportOptions(quarantine=quarantine, accept_changes=accept_changes)
        try:
            report = ingest(source or mapping, until, workspace, options)
        except RefusedImportError:
            page = write_data_checks_page(workspace.reports / CHECKS_FILE)
            console.print(f"what the checks found is on {page}", soft_wrap=True)
            raise
        write_data_checks_page(workspace.reports / CHECKS_FILE)
    for line in report.lines():
        console.print(line, markup=False)
    console.print(
        f"{len(report.written)} files changed; the tables are at version {report.data_version[:12]}"
    )


@app.command()
def run(
    pipeline: Annotated[str, typer.Argument(help="ingestion, features, training, retraining or monitoring.")],
    model: Annotated[str, typer.Option(help="The served model: churn, recommend or response.")] = "",
    source: Annotated[str, typer.Option(help="What ingestion imports.")] = "",
    cause: Annotated[str, typer.Option(help="Why it runs; kept with the version.")] = ASKED_FOR,
    now: Now = "",
    local: Annotated[bool, typer.Option("--local/--cluster", help="Here, or on Kubeflow Pipelines.")] = True,
    host: Host = "",
    on: On = DEFAULT_FILE,
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Run a pipeline here or on a cluster.

    For example: attune run training --model churn --now 2017-09-03
    """
    launch = launch_at(home, params)
    asked = Request(now, model, source, cause)
    launch.arguments(pipeline, asked)  # what is missing is said before anything long begins
    if not local:
        _run_on_cluster(launch, pipeline, asked, host, on)
        return
    with only_writer(launch.workspace.root):
        moment = now if pipeline == "ingestion" else now or launch.latest()
        version = launch.features(moment, model) if pipeline in {"training", "tune"} else ""
        outputs = launch.run(pipeline, replace(asked, now=moment, features_version=version))
        if "evaluation" in outputs:
            outputs["metrics"] = keep_metrics(launch.workspace, model, outputs["evaluation"])
    for name, value in outputs.items():
        console.print(f"{name}: {value}", soft_wrap=True)


@app.command("compile")
def compile_all(
    out: Annotated[Path, typer.Option(help="Where the YAML files go.")] = Path("compiled"),
) -> None:
    """Compile every pipeline to YAML; the same sources give the same bytes."""
    from pipelines.catalog import compile_pipelines

    for file in compile_pipelines(out):
        console.print(str(file))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address; any but this machine's needs API keys.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port.")] = 3000,
    now: Annotated[str, typer.Option(help="Answer as of this date; left out: by the clock.")] = "",
    home: Home = HOME,
) -> None:
    """Serve the champions over HTTP."""
    from serving.server import serve

    serve(workspace_at(home), host, port, parse_moment(now) if now else None)


def main() -> None:
    """Run the command; what Attune refuses is one sentence and exit code 1."""
    try:
        app()
    except AttuneError as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"the system refuses ({error}); look at the place, the right to write there, and its room")


def _refuse(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(
        f"error: {message}", style="red", markup=False, soft_wrap=True
    )
    sys.exit(1)


def _run_on_cluster(launch: Launch, pipeline: str, request: Request, host: str, on: Path) -> None:
    from pipelines.cluster import Cluster
    from pipelines.runner import run_on_cluster

    require_host(host)
    if not request.now:
        raise ConfigError("name the date with --now: the cluster's data cannot be seen from here")
    # Nor can its features: a version that nobody else names keeps KFP's cache from answering old examples.
    unseen = replace(request, features_version=uuid.uuid4().hex)
    arguments = launch.arguments(pipeline, unseen)
    run_id = run_on_cluster(pipeline, arguments, host, COMPILED, Cluster.read(on))
    console.print(f"started run {run_id} on {host}")


if __name__ == "__main__":
    main()
