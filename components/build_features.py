"""Bring the features up to date."""

from typing import Any

from components.base import component


@component
def build_features(now: str, params: dict[str, Any]) -> str:
    """Compute the features of every date that the models need, declare them and bring them online.

    Args:
        now: The date up to which everything is known; empty: the latest of the tables.
        params: All of params.yaml: the plans of the models say which dates they need.

    Returns:
        The version of what examples are made of: another one when any feature, label or consent is.
    """
    from attune.adapters.feast import FeastStore
    from attune.config import Workspace
    from attune.data.latest import named_or_latest
    from attune.governance.lineage import step
    from attune.training.refresh import refresh_features

    workspace = Workspace.here()
    with step("build_features", ["tables"], ["features"]) as running:
        moment = named_or_latest(now, workspace.tables)
        version = refresh_features(FeastStore(workspace), workspace, params, moment)
        running.made("features", version)
        return version
