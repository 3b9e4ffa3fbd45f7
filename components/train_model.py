"""Train one candidate of a served model."""

from typing import Any

from kfp import dsl

from components.base import component


@component
def train_model(
    candidate: str, params: dict[str, Any], examples: dsl.Input[dsl.Dataset], trained: dsl.Output[dsl.Model]
) -> int:
    """Train one model of the catalogue.

    Args:
        candidate: Its name in the catalogue.
        params: The served model's section of params.yaml.
        examples: Rows to learn from.
        trained: The trained model, a folder.

    Returns:
        How many rows taught it.
    """
    from attune.governance.lineage import step
    from attune.training.train import train_candidate

    with step("train_model", [examples.path], [trained.path]):
        return train_candidate(candidate, params, examples.path, trained.path)
