"""Search settings: several tasks at once, which share one search for each candidate."""

from typing import Any

from kfp import dsl

from components.fetch_examples import fetch_examples
from components.tune_model import tune_model


@dsl.pipeline(description="Examples, then trials of settings side by side; nothing is trained for serving.")
def tune(
    model: str,
    now: str,
    features_version: str,
    params: dict[str, Any],
    candidates: list[str],
    trials: int,
) -> None:
    """Search the settings of candidates of one model.

    Args:
        model: The served model, a section of params.yaml.
        now: The date up to which everything is known.
        features_version: What `build_features` returned; new features make new examples.
        params: The model's section of params.yaml.
        candidates: One task each; a name that stands there twice has two tasks at the same search.
        trials: How many of each candidate in all.
    """
    examples = fetch_examples(model=model, now=now, features_version=features_version, params=params)
    with dsl.ParallelFor(candidates) as candidate:
        searched = tune_model(
            model=model,
            candidate=candidate,
            params=params,
            trials=trials,
            examples=examples.outputs["examples"],
        )
        # A search goes on where it stopped: an answer from the cache would not.
        searched.set_caching_options(False)
