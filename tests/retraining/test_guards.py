from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attune.config import Workspace
from attune.governance.manifest import Manifest, Window
from attune.retraining.controller import Controller
from attune.retraining.decide import Look
from attune.retraining.guards import HOLDOUT_LOOKS, obstacle_to_promotion
from attune.retraining.rules import RetrainingRules
from tests.origins import make_origin

NOW = datetime(2017, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TEST = [NOW - 28 * DAY]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path)


def version(number: int, test: datetime) -> Manifest:
    origin = make_origin(NOW, window={"test": Window(first=test, last=test)}, run_key=f"{number:064d}")
    return Manifest(**origin.model_dump(), version=number, parent=None, created_at=NOW, files={})


def looked(workspace: Workspace, at: datetime, pressure: float | None) -> None:
    seen = Look(at=at, version=1, window=at, pressure=pressure, cause="A look.")
    Controller(workspace, RetrainingRules()).look("churn", seen)


def test_nothing_stands_against_a_model_that_is_watched_or_was_never(workspace: Workspace):
    assert obstacle_to_promotion(workspace, "churn", TEST, NOW, []) is None
    looked(workspace, NOW - 7 * DAY, 0.1)
    assert obstacle_to_promotion(workspace, "churn", TEST, NOW, []) is None


def test_without_a_result_in_two_periods_nothing_is_promoted(workspace: Workspace):
    looked(workspace, NOW - 15 * DAY, 0.1)
    looked(workspace, NOW - 1 * DAY, None)
    found = obstacle_to_promotion(workspace, "churn", TEST, NOW, [])
    assert found is not None
    assert "last result on 2017-09-16: its condition is unknown" in found


def test_a_test_window_is_worn_out_after_32_looks(workspace: Workspace):
    older = [version(99, TEST[0] - 7 * DAY)]
    fresh = [version(number, TEST[0]) for number in range(1, HOLDOUT_LOOKS)]
    assert obstacle_to_promotion(workspace, "churn", TEST, NOW, older + fresh) is None
    found = obstacle_to_promotion(workspace, "churn", TEST, NOW, [*fresh, version(50, TEST[0])])
    assert found is not None
    assert "was asked 32 times" in found
