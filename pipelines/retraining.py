"""What a verdict starts: features as of now, then the training pipeline with the cause on record."""

from typing import Any

from kfp import dsl

from components.build_features import build_features
from pipelines.training import Outcome, training


@dsl.pipeline(description="Fresh features, then training, with the cause of the run on record.")
def retraining(
    model: str,
    now: str,
    all_params: dict[str, Any],
    params: dict[str, Any],
    candidates: list[str],
    cause: str,
) -> Outcome:
    """Retrain one model because something happened.

    Args:
        model: The served model, a section of params.yaml.
        now: The date up to which everything is known.
        all_params: All of params.yaml, for the features.
        params: The model's section of it.
        candidates: The catalogue names to train.
        cause: What happened, in words.
    """
    built = build_features(now=now, params=all_params)
    built.set_caching_options(False)
    trained = training(
        model=model,
        now=now,
        features_version=built.output,
        params=params,
        candidates=candidates,
        cause=cause,
    )
    return Outcome(
        verdict=trained.outputs["verdict"],
        decision=trained.outputs["decision"],
        evaluation=trained.outputs["evaluation"],
    )
