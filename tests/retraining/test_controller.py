import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from attune.config import Workspace
from attune.errors import IntegrityError, RegistryError
from attune.registry import Registry
from attune.retraining.controller import Controller
from attune.retraining.decide import Look
from attune.retraining.history import history, standing
from attune.retraining.rules import RetrainingRules

START = datetime(2017, 10, 1, tzinfo=UTC)
RULES = RetrainingRules(benefit=False, windows_on=1, windows_seen=1)


def seen(minutes: float = 0, pressure: float | None = 2.0) -> Look:
    at = START + timedelta(minutes=minutes)
    return Look(at=at, version=3, window=START, pressure=pressure, cause="Drift as of 2017-10-01.")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(root=tmp_path)


def test_what_happened_is_read_back_with_its_cause_and_its_figures(workspace: Workspace):
    controller = Controller(workspace, RULES)
    step = controller.look("churn", seen())
    assert step.state.run is not None
    controller.ended("churn", step.state.run.token, "kept", START + timedelta(hours=1), "The gate says no.")
    entries = history(workspace, "churn")
    assert [entry.event for entry in entries] == ["confirmed", "triggered", "rejected"]
    assert [entry.phase for entry in entries] == ["training", "training", "cooldown"]
    assert entries[0].cause == "Drift as of 2017-10-01."
    assert entries[0].figures["pressure"] == 2.0
    assert entries[2].figures == {"token": 1, "minutes": 60.0, "joined": 0}
    assert {entry.version for entry in entries} == {3}
    assert standing(workspace, "churn") == controller.standing("churn")
    assert history(workspace, "recommend") == []


def test_a_storm_of_reports_starts_one_run_and_the_others_join_it(workspace: Workspace):
    def report(number: int) -> str:
        return Controller(workspace, RULES).look("churn", seen(number / 4)).action

    with ThreadPoolExecutor(4) as pool:
        actions = list(pool.map(report, range(40)))
    assert actions.count("retrain") == 1
    assert sum(entry.event == "joined" for entry in history(workspace, "churn")) == 39


def test_models_share_the_budget_of_runs_at_once(workspace: Workspace):
    controller = Controller(workspace, RULES)
    actions = [controller.look(name, seen()).action for name in ("churn", "recommend", "response")]
    assert actions == ["retrain", "retrain", "nothing"]
    assert controller.look("response", seen(13 * 60)).action == "retrain"


def test_the_log_of_the_registry_holds_it_together(workspace: Workspace):
    Controller(workspace, RULES).look("churn", seen())
    assert Registry(workspace).problems() == []
    with sqlite3.connect(workspace.registry) as database:
        (details,) = database.execute("SELECT details FROM events WHERE sequence = 2").fetchone()
        forged = json.dumps(json.loads(details) | {"cause": "nothing"}, sort_keys=True)
        database.execute("UPDATE events SET details = ? WHERE sequence = 2", (forged,))
    with pytest.raises(IntegrityError, match="event 2"):
        Controller(workspace, RULES).look("churn", seen())
    with pytest.raises(IntegrityError, match="event 2"):
        history(workspace, "churn")


def test_a_person_pauses_asks_and_resumes(workspace: Workspace):
    controller = Controller(workspace, RULES)
    controller.pause("churn", START, "a campaign runs")
    assert controller.ask("churn", START, "Asked for.").action == "nothing"
    controller.resume("churn", START, "it is over")
    step = controller.ask("churn", START, "Asked for.")
    assert step.action == "retrain"
    controller.staged("churn", 1, "shadow", START, "beside the champion")
    controller.rolled_back("churn", START, "errors")
    events = [entry.event for entry in history(workspace, "churn")]
    assert events == ["paused", "refused", "resumed", "triggered", "staged", "rolled back"]


def test_a_name_that_no_model_has_is_refused(workspace: Workspace):
    with pytest.raises(RegistryError, match="is not a model name"):
        Controller(workspace, RULES).pause("../churn", START, "why")
