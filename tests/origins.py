"""Where versions come from that were made for tests and benchmarks."""

from datetime import datetime
from typing import Any

from attune.features.schema import schema_hash
from attune.governance.manifest import Origin, Window
from attune.models.catalog import entry


def make_origin(now: datetime, **said: Any) -> Origin:
    """A logistic regression for churn that learnt on one day, but for the fields that are said."""
    name, algorithm = said.get("name", "churn"), said.get("algorithm", "logistic_regression")
    service = said.get("feature_service", f"{name}_v1")
    told = {
        "name": name,
        "algorithm": algorithm,
        "kind": entry(algorithm).kind,
        "purpose": name,
        "feature_service": service,
        "schema_hash": schema_hash(service),
        "data_hash": "d" * 64,
        "now": now,
        "window": {"train": Window(first=now, last=now)},
        "metrics": {},
        "seed": 0,
        "code_version": "c" * 64,
        "commit": None,
        "environment": "e" * 64,
        "run_key": "1" * 64,
    }
    return Origin.model_validate(told | said)
