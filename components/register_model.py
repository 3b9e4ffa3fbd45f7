"""Register the candidate that the gate chose."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def register_model(
    model: str,
    params: dict[str, Any],
    evaluation: dsl.Input[dsl.Artifact],
    trained: dsl.Input[list[dsl.Model]],
    examples: dsl.Input[dsl.Dataset],
    cause: str,
    decision: dsl.Output[dsl.Artifact],
) -> str:
    """Let the gate decide, register a version, and promote it or not.

    Args:
        model: The served model.
        params: Its section of params.yaml.
        evaluation: What was measured.
        trained: The trained candidates.
        examples: What they learnt from.
        cause: Why this run was started, in words; kept with the version.
        decision: What was decided and why, JSON.

    Returns:
        "promoted", "kept", or "waiting" for a person's approval.
    """
    import os

    from attune.adapters.dvc import REMOTE_VARIABLE, DvcStore
    from attune.config import Workspace
    from attune.governance.lineage import step
    from attune.registry import Registry
    from attune.release import Run, release
    from attune.retraining.guards import obstacle_to_promotion

    workspace = Workspace.here()
    registry = Registry(workspace, DvcStore(workspace.root, os.environ.get(REMOTE_VARIABLE)))
    candidates = [candidate.path for candidate in trained]
    run = Run.of(model, params, examples.path, candidates)
    home = f"models/{model}"
    with step("register_model", [examples.path, evaluation.path, *candidates], [home]) as running:
        running.made(examples.path, run.record.data_hash)
        manifests = [version.manifest for version in registry.versions(model)]
        asked, now = run.record.as_of["test"], run.record.now
        obstacle = obstacle_to_promotion(workspace, model, asked, now, manifests)
        ending = release(registry, run, evaluation.path, cause, decision.path, obstacle)
        running.made(home, run.key)
        return ending
