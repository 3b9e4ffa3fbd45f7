"""Train every candidate of one model, let the gate decide, and register the winner."""

from typing import Any, NamedTuple

from kfp import dsl

from components.evaluate_model import evaluate_model
from components.fetch_examples import fetch_examples
from components.register_model import register_model
from components.train_model import train_model


class Outcome(NamedTuple):
    """What a training run leaves: the gate's word, its reasons, and the figures behind them."""

    verdict: str
    decision: dsl.Artifact
    evaluation: dsl.Artifact


@dsl.pipeline(description="Examples, all candidates, evaluation on the future, the gate, the registry.")
def training(
    model: str,
    now: str,
    features_version: str,
    params: dict[str, Any],
    candidates: list[str],
    cause: str = "asked for by a person",
) -> Outcome:
    """Train one model on the features of its feature service.

    Args:
        model: The served model, a section of params.yaml.
        now: The date up to which everything is known.
        features_version: What `build_features` returned; new features make new examples.
        params: The model's section of params.yaml.
        candidates: The catalogue names to train, the network and the simple models.
        cause: Why this run was started, in words; kept with the version.
    """
    examples = fetch_examples(model=model, now=now, features_version=features_version, params=params)
    with dsl.ParallelFor(candidates) as candidate:
        trained = train_model(candidate=candidate, params=params, examples=examples.outputs["examples"])
    # Each consumer gathers for itself: one `Collected` with two readers does not compile in KFP 2.17.
    evaluated = evaluate_model(
        model=model,
        params=params,
        examples=examples.outputs["examples"],
        trained=dsl.Collected(trained.outputs["trained"]),
    )
    # What a component does to the registry is not among its outputs: never answered from a cache.
    evaluated.set_caching_options(False)
    registered = register_model(
        model=model,
        params=params,
        evaluation=evaluated.outputs["evaluation"],
        trained=dsl.Collected(trained.outputs["trained"]),
        examples=examples.outputs["examples"],
        cause=cause,
    )
    registered.set_caching_options(False)
    return Outcome(
        verdict=registered.outputs["Output"],
        decision=registered.outputs["decision"],
        evaluation=evaluated.outputs["evaluation"],
    )
