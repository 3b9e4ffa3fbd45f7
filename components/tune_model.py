"""Search the settings of one candidate."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def tune_model(
    model: str,
    candidate: str,
    params: dict[str, Any],
    trials: int,
    examples: dsl.Input[dsl.Dataset],
    search: dsl.Output[dsl.Artifact],
) -> float:
    """Try settings until so many trials have ended, together with whoever works at the same search.

    Args:
        model: The served model.
        candidate: The catalogue name whose settings are searched.
        params: The served model's section of params.yaml.
        trials: How many in all.
        examples: Rows to learn from; the test rows are not read.
        search: Every trial and the one that was chosen, JSON.

    Returns:
        The loss of the trial that was chosen.
    """
    from pathlib import Path

    from attune.config import Workspace
    from attune.governance.lineage import step
    from attune.training.tuning import tune_candidate

    with step("tune_model", [examples.path], [search.path]):
        return tune_candidate(
            model,
            candidate,
            params,
            trials,
            Path(examples.path),
            Workspace.here().searches,
            Path(search.path),
        )
