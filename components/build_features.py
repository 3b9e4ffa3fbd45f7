"""Bring the features up to date."""

from typing import Any

from components.base import component


@component
def build_features(now: str, params: dict[str, Any]) -> str:
    """Compute the features of every date that the models need, declare them and bring them online.

    Args:
        now: The date up to which everything is known.
        params: All of params.yaml: the plans of the models say which dates they need.

    Returns:
        The version of what examples are made of: another one when any feature, label or consent is.
    """
    from attune.adapters.feast import FeastStore
    from attune.config import Workspace
    from attune.data.times import parse_moment
    from attune.governance.lineage import step
    from attune.training.refresh import refresh_features

    workspace = Workspace.here()
    with step("build_features", ["tables"], ["features"]) as running:
        version = refresh_features(FeastStore(workspace), workspace, params, parse_moment(now))
        running.made("features", version)
        return version
