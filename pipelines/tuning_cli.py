"""`attune tune` and `attune trial`: search settings, or measure those that another searcher proposes."""

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from attune.errors import ConfigError
from attune.governance.provenance import code_version
from pipelines.launch import TRIALS, Request
from pipelines.options import HOME, PARAMS_FILE, Home, Model, Now, Params, launch_at
from pipelines.terminal import console

Candidates = Annotated[
    list[str] | None, typer.Option("--candidate", help="Whose settings; left out: the network's.")
]


def tune(
    model: Model,
    candidate: Candidates = None,
    trials: Annotated[
        int, typer.Option(min=1, help="How many in all; a search goes on where it stopped.")
    ] = TRIALS,
    workers: Annotated[int, typer.Option(min=1, help="Tasks at the same search at once.")] = 1,
    now: Now = "",
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Search the settings of a model; what is chosen goes into params.yaml by hand, and training records it.

    For example: attune tune churn --candidate gradient_boosting --trials 40
    """
    from attune.locks import only_writer
    from attune.training.plan import TrainingPlan
    from attune.training.search_record import SearchRecord, search_file
    from attune.training.search_spaces import space_of
    from pipelines.runner import run_local

    launch = launch_at(home, params)
    moment = now or launch.latest()
    plan = TrainingPlan.parse(launch.arguments("tune", Request(moment, model))["params"])
    searched = candidate or [plan.network]
    for name in searched:  # what cannot be searched is said before anything long begins
        plan.settings_of(name)
        space_of(name)
    with only_writer(launch.workspace.root):
        request = Request(moment, model, features_version=launch.features(moment, model))
        told = {"candidates": searched * workers, "trials": trials}
        arguments = launch.arguments("tune", request) | told
        run_local("tune", arguments, launch.workspace, code_version(), launch.on_progress)
    for name in searched:
        file = search_file(launch.workspace.searches, model, name)
        record = SearchRecord.model_validate_json(file.read_bytes())
        text = yaml.safe_dump({name: record.best.settings}, default_flow_style=None)
        console.print(
            f"{record.metric} {record.best.value:.4f} of {len(record.trials)} trials, kept in {file}"
        )
        console.print(text, markup=False)


def trial(
    model: Model,
    candidate: Annotated[str, typer.Option(help="Whose settings.")],
    setting: Annotated[list[str], typer.Option("--set", help="One setting: model.leaves=12.")],
    now: Now = "",
    home: Home = HOME,
    params: Params = PARAMS_FILE,
) -> None:
    """Measure one set of settings, keep it with the search of `attune tune`, and print its loss.

    For another searcher, Katib for example; features have to be there. All settings of the search space are
    named: attune trial churn --candidate logistic_regression --set model.c=0.1
    """
    import tempfile

    from attune.adapters.feast import FeastStore
    from attune.data.latest import named_or_latest
    from attune.training.examples import fetch_examples
    from attune.training.plan import TrainingPlan
    from attune.training.tuning import METRIC, Search, try_settings

    launch = launch_at(home, params)
    workspace = launch.workspace
    section = launch.arguments("tune", Request(now, model))["params"]
    plan, settings = TrainingPlan.parse(section), _settings(setting)
    with tempfile.TemporaryDirectory() as folder:
        examples = Path(folder) / "examples"
        moment = named_or_latest(now, workspace.tables)
        store = FeastStore(workspace)
        fetch_examples(store, workspace.tables, workspace.features, model, plan, moment, examples)
        value = try_settings(Search(model, candidate, plan, examples), settings, workspace.searches)
    typer.echo(f"{METRIC}={value:.6f}")


def _settings(told: list[str]) -> dict[str, Any]:
    """Settings as a command line has them, with numbers as numbers.

    Raises:
        ConfigError: One has no value.
    """
    pairs = [each.partition("=") for each in told]
    if wrong := [name for name, _, value in pairs if not value]:
        raise ConfigError(f"--set {wrong[0]} has no value; write --set {wrong[0]}=VALUE")
    return {name: _number(value) for name, _, value in pairs}


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
