"""The prediction log of a champion, as signals and as a report that the pages find."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attune.config import Workspace
from attune.training.plan import TrainingPlan
from pipelines.served import Served
from tests.monitoring.watched_shop import make_workspace

NOW = datetime(2017, 12, 10, tzinfo=UTC)
PLAN = TrainingPlan.parse(
    {
        "feature_service": "churn_v1",
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": {"first": "2017-03-26"},
        "network": "logistic_regression",
        "candidates": {"logistic_regression": {}},
    }
)


def answer(workspace: Workspace, version: int, number: int) -> None:
    record = {
        "prediction_id": f"{number:032d}",
        "at": (NOW - timedelta(days=1)).isoformat(),
        "model": "churn",
        "model_version": version,
        "feature_service": "churn_v1",
        "degraded": [],
        "customer": f"customer-{number:04d}",
        "probability": 0.5,
    }
    with (workspace.predictions / "1-1.jsonl").open("a") as log:
        log.write(json.dumps(record) + "\n")


def test_only_answers_of_the_version_that_serves_are_looked_at(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    assert Served.of(workspace, "churn", PLAN, NOW) is None
    workspace.predictions.mkdir()
    answer(workspace, version=2, number=1)
    assert Served.of(workspace, "churn", PLAN, NOW) is None
    answer(workspace, version=1, number=2)
    served = Served.of(workspace, "churn", PLAN, NOW)
    assert served is not None
    assert served.answers["prediction_id"].to_list() == [f"{2:032d}"]
