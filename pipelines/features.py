"""Compute the features of every date that the models need, and bring the online store up to date."""

from typing import Any

from kfp import dsl

from components.build_features import build_features


@dsl.pipeline(
    description="Feature views as of every date that is needed, Feast's registry, the online store."
)
def features(now: str, params: dict[str, Any]) -> str:
    """Bring features up to date.

    Args:
        now: The date up to which everything is known.
        params: All of params.yaml: the plans of the models say which dates they need.
    """
    built = build_features(now=now, params=params)
    built.set_caching_options(False)
    version: str = built.output
    return version
