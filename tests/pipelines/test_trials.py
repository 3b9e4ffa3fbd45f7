"""A canary that answers worse than its champion is taken back, and the controller hears of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attune.config import Workspace
from attune.drift.verdicts import STABLE
from attune.registry import Registry
from attune.retraining.history import history, standing
from pipelines.follow import Follower
from pipelines.launch import Launch
from tests.monitoring.console.governed import make_workspace
from tests.retraining.test_evidence import verdict

NOW = datetime(2017, 12, 31, tzinfo=UTC)
PARAMS = {
    "recommend": {
        "feature_service": "recommend_v1",
        "purpose": "recommend",
        "kind": "recommender",
        "label": {"next_days": 7},
        "as_of": {"first": "2017-03-26"},
        "network": "sequential",
        "candidates": {"sequential": {}},
    }
}


def answers(workspace: Workspace, version: int, degraded: int, rows: int = 400) -> None:
    with (workspace.predictions / f"{version}-{version}.jsonl").open("a") as log:
        for number in range(rows):
            record = {
                "prediction_id": f"{version:04d}{number:028d}",
                "at": (NOW - timedelta(minutes=number)).isoformat(),
                "model": "recommend",
                "model_version": version,
                "feature_service": "recommend_v1",
                "degraded": ["stale_features"] if number < degraded else [],
            }
            log.write(json.dumps(record) + "\n")


def look(workspace: Workspace, *, act: bool) -> list[str]:
    seen = verdict(STABLE, 0.0)
    seen = seen.model_copy(update={"subject": seen.subject.model_copy(update={"model": "recommend"})})
    launch = Launch(workspace, PARAMS, on_progress=lambda line: None)
    return list(Follower(launch, NOW, act=act).follow(seen))


def test_a_canary_that_surely_answers_worse_goes_and_that_counts_as_a_rollback(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    registry = Registry(workspace)
    registry.promote("recommend", 1, None, "the first", "a test")
    from tests.monitoring.console.governed import register

    register(workspace, registry, "recommend", 2, "the next")
    registry.move("recommend", 2, "canary", "beside the first", "a test")
    answers(workspace, version=1, degraded=4)
    answers(workspace, version=2, degraded=200)
    assert any("canary 2 should go" in line for line in look(workspace, act=False))
    assert registry.stages("recommend")[2] == "canary"
    look(workspace, act=True)
    assert registry.stages("recommend")[2] == "candidate"
    assert [entry.event for entry in history(workspace, "recommend")][-2:] == ["rolled back", "looked"]
    assert len(standing(workspace, "recommend").rollbacks) == 1
