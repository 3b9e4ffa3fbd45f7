"""`attune tune`: search the settings of a model's candidates, and say what belongs into params.yaml."""

from typing import Annotated

import typer
import yaml

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
