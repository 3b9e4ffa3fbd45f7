"""The `attune retraining` commands: where a model stands, what happened and why, and a person's word."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.data.times import parse_moment
from pipelines.cluster import DEFAULT_FILE, Cluster
from pipelines.cluster_cli import COMPILED, Host, On, require_host
from pipelines.launch import Request
from pipelines.options import HOME, PARAMS_FILE, Home, Model, Now, Params, launch_at, workspace_at
from pipelines.terminal import console

if TYPE_CHECKING:
    from attune.retraining.controller import Controller

app = typer.Typer(help="When models are retrained, and why.", no_args_is_help=True)

Why = Annotated[str, typer.Option(help="Why; kept on record.")]


@app.command()
def show(model: Model, home: Home = HOME) -> None:
    """Show where a model stands and everything that led there."""
    from attune.retraining.history import history, standing

    workspace = workspace_at(home)
    for entry in history(workspace, model):
        console.print(
            f"{entry.at:%Y-%m-%d %H:%M}  {entry.event}: {entry.cause}", markup=False, soft_wrap=True
        )
    state = standing(workspace, model)
    console.print(f"{model} is {state.phase}" + (f": {state.paused}" if state.paused else ""), markup=False)


@app.command()
def pause(model: Model, why: Why, home: Home = HOME, params: Params = PARAMS_FILE) -> None:
    """Stop the retraining of a model until somebody resumes it; a run under way goes on."""
    _controller(home, params).pause(model, datetime.now(UTC), why)
    console.print(f"{model} is paused")


@app.command()
def resume(model: Model, why: Why, home: Home = HOME, params: Params = PARAMS_FILE) -> None:
    """Allow the retraining of a model again."""
    step = _controller(home, params).resume(model, datetime.now(UTC), why)
    console.print(f"{model} is {step.state.phase}")


def monitor(
    model: Model,
    now: Now = "",
    act: Annotated[bool, typer.Option("--act", help="Start the run that the verdict asks for.")] = False,
    local: Annotated[bool, typer.Option("--local/--cluster", help="Where such a run goes.")] = True,
    host: Host = "",
    on: On = DEFAULT_FILE,
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Compare what a model sees now with what it learnt from, and say what follows.

    The verdict is stable, drifted or not computed. For example: attune monitor churn --act
    """
    from attune.drift.verdicts import Verdict
    from attune.locks import only_writer
    from pipelines.follow import Follower

    launch = launch_at(home, params)
    cluster = None if local else (require_host(host), Cluster.read(on), COMPILED)
    with only_writer(launch.workspace.root):
        outputs = launch.run("monitoring", Request(now or launch.latest(), model))
        console.print(f"{outputs['verdict']}; the page: {outputs['report']}", soft_wrap=True)
        at = parse_moment(now) if now else datetime.now(UTC)
        verdict = Verdict.load(Path(outputs["figures"]))
        for line in Follower(launch, at, act, cluster).follow(verdict):
            console.print(line, markup=False, soft_wrap=True)


def _controller(home: Path, params: Path) -> "Controller":
    from attune.retraining.controller import Controller
    from attune.retraining.rules import RetrainingRules

    launch = launch_at(home, params)
    return Controller(launch.workspace, RetrainingRules.of(launch.params))
