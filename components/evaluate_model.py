"""Measure candidates and champion on the same future."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def evaluate_model(
    model: str,
    params: dict[str, Any],
    examples: dsl.Input[dsl.Dataset],
    trained: dsl.Input[list[dsl.Model]],
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Measure all candidates and the champion on the same test examples.

    Args:
        model: The served model.
        params: Its section of params.yaml.
        examples: Their test part is what nobody has learnt from.
        trained: The trained candidates.
        evaluation: What was measured, JSON.
        metrics: The deciding metric of each candidate.
    """
    from attune.config import Workspace
    from attune.governance.lineage import step
    from attune.registry import Registry
    from attune.release import Run, measure

    candidates = [candidate.path for candidate in trained]
    run = Run.of(model, params, examples.path, candidates)
    with step("evaluate_model", [examples.path, *candidates], [evaluation.path]) as running:
        running.made(examples.path, run.record.data_hash)
        for name, value in measure(Registry(Workspace.here()), run, evaluation.path).items():
            metrics.log_metric(name, value)
