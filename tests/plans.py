"""Plans of training that were made for tests."""

from typing import Any


def churn_plan(network: str, *others: str, **said: Any) -> dict[str, Any]:
    """A section of params.yaml: a model of churn and simpler ones beside it, and what else is said."""
    return {
        "feature_service": "churn_v1",
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": {"first": "2017-03-26"},
        "network": network,
        "candidates": {name: {} for name in (network, *others)},
    } | said
