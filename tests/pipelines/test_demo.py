from pathlib import Path

import pytest

from attune.config import Workspace
from attune.drift.verdicts import DRIFTED, STABLE
from attune.retraining.history import history
from pipelines.demo.chapters import follow
from pipelines.demo.screen import Screen
from pipelines.demo.teller import Teller
from pipelines.launch import Launch
from tests.retraining.test_evidence import verdict


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    return Teller(Screen(), Launch(Workspace(root=tmp_path), {}, on_progress=lambda line: None))


def test_one_window_of_drift_is_a_cause_in_the_story_and_a_calm_one_is_none(teller: Teller):
    follow(teller, verdict(STABLE))
    assert teller.causes == {}
    follow(teller, verdict(DRIFTED, 0.5))
    assert teller.causes["churn"].startswith("Drift as of 2017-12-31 against version 3")
    events = [entry.event for entry in history(teller.workspace, "churn")]
    assert events == ["looked", "confirmed", "triggered"]
