from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attune.config import Workspace
from attune.drift.verdicts import DRIFTED, Verdict
from attune.retraining.history import history, standing
from pipelines.follow import Follower
from pipelines.launch import Launch
from tests.retraining.test_evidence import verdict

NOW = datetime(2017, 12, 31, tzinfo=UTC)
PARAMS = {"retraining": {"windows_on": 1, "windows_seen": 1}}


@pytest.fixture
def drifted() -> Verdict:
    return verdict(DRIFTED, 0.5)


def follow(workspace: Workspace, drifted: Verdict, days: float = 0) -> list[str]:
    launch = Launch(workspace, PARAMS, on_progress=lambda line: None)
    return list(Follower(launch, NOW + timedelta(days=days), act=False).follow(drifted))


def test_a_look_is_recorded_and_a_run_that_is_due_is_only_said(drifted: Verdict, tmp_path: Path):
    workspace = Workspace(root=tmp_path)
    lines = follow(workspace, drifted)
    assert lines[0].startswith("churn: confirmed. Drift as of 2017-12-31 against version 3")
    assert lines[-1] == "churn: a run is due; --act measures its benefit and starts it"
    assert standing(workspace, "churn").run is None
    follow(workspace, drifted, days=1)
    assert [entry.event for entry in history(workspace, "churn")] == ["confirmed", "looked"]
    assert 'attune_drift_pressure{model="churn"} 5' in (workspace.reports / "monitoring.prom").read_text()
