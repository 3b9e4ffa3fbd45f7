"""Train one candidate of a served model."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def train_model(
    candidate: str, params: dict[str, Any], examples: dsl.Input[dsl.Dataset], trained: dsl.Output[dsl.Model]
) -> int:
    """Train one model of the catalogue, where the environment names nodes on these.

    Args:
        candidate: Its name in the catalogue.
        params: The served model's section of params.yaml.
        examples: Rows to learn from.
        trained: The trained model, a folder.

    Returns:
        How many rows taught it.
    """
    from attune.adapters.trainer import KubeflowTrainer
    from attune.config import Workspace
    from attune.governance.lineage import step
    from attune.training.nodes import train_where_told

    jobs = Workspace.here().runs / "nodes"
    with step("train_model", [examples.path], [trained.path]):
        return train_where_told(candidate, params, examples.path, trained.path, jobs, KubeflowTrainer)
