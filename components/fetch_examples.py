"""Make the examples that a model learns from and is judged by."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def fetch_examples(
    model: str,
    now: str,
    features_version: str,
    params: dict[str, Any],
    examples: dsl.Output[dsl.Dataset],
) -> int:
    """Join labels with features as they were known, for the dates of the model's plan.

    Args:
        model: The served model.
        now: The date up to which everything is known; empty: the latest of the tables.
        features_version: What `build_features` returned; other features make other examples.
        params: The model's section of params.yaml.
        examples: A folder: train, validation and test rows, and examples.json with the leakage audit.

    Returns:
        How many examples teach.
    """
    from pathlib import Path

    from attune.adapters.feast import FeastStore
    from attune.config import Workspace
    from attune.data.latest import named_or_latest
    from attune.governance.lineage import step
    from attune.training.examples import fetch_examples
    from attune.training.plan import TrainingPlan

    workspace = Workspace.here()
    plan = TrainingPlan.parse(params)
    examples.metadata.update(
        model=model, feature_service=plan.feature_service, features_version=features_version
    )
    with step("fetch_examples", ["tables", "features"], [examples.path]) as running:
        running.made("features", features_version)
        return fetch_examples(
            FeastStore(workspace),
            workspace.tables,
            workspace.features,
            model,
            plan,
            named_or_latest(now, workspace.tables),
            Path(examples.path),
        )
