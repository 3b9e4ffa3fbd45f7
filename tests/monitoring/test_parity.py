"""Whether answers rested on what training is told: part of every look, and of the lamp of integrity."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from attune.adapters.online_sqlite import SqliteRows
from attune.adapters.online_stores import ONLINE_FILE
from attune.config import HOME_VARIABLE, Workspace
from attune.drift.verdicts import NOT_COMPUTED, STABLE, Verdict
from attune.features.packing import Layout
from attune.features.parity import Served
from attune.features.parity_report import ParityReport
from attune.features.row_store import write_frame
from attune.features.schema import CUSTOMER_ACTIVITY, VIEWS
from attune.features.snapshots import snapshot_file
from attune.features.value_digest import value_digest
from attune.governance.lamps import integrity_lamp
from monitoring.console.evidence import Evidence
from monitoring.detect import detect
from monitoring.parity import PARITY_FILE
from tests.monitoring.watched_shop import CUSTOMERS, OCTOBER, START, make_workspace

LOOK = "2017-10-01"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "data"))
    return make_workspace(tmp_path / "data")


def row_of(workspace: Workspace, view: str, moment: datetime, number: int) -> dict[str, Any]:
    rows = pl.read_parquet(snapshot_file(workspace.features, view, moment))
    (row,) = rows.filter(pl.col("customer_id") == CUSTOMERS[number]).to_dicts()
    return row


def declared(row: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers as such: the snapshots of this shop hold them as floats."""
    whole = [feature.name for feature in CUSTOMER_ACTIVITY.features if feature.type == "int64"]
    return row | {name: int(row[name]) for name in whole if name in row}


def answer(workspace: Workspace, number: int, **changes: Any) -> list[Served]:
    """What an answer rests on that is given now, two views; some values may be others."""
    now = datetime.now(UTC) + timedelta(seconds=1)
    return [
        Served("churn_v1", view, CUSTOMERS[number], moment, digest, now)
        for view, moment in (("customer_activity", OCTOBER), ("customer_profile", START))
        for found in [row_of(workspace, view, moment, number)]
        for row in [declared(found | changes) if changes else found]
        for digest in [value_digest({name: row[name] for name in VIEWS[view].feature_names})]
    ]


def bring_online(workspace: Workspace, number: int, **changes: Any) -> None:
    row = declared(row_of(workspace, "customer_activity", OCTOBER, number) | changes)
    store = SqliteRows(workspace.feast / ONLINE_FILE)
    frame = pl.DataFrame([row]).with_columns(pl.col("event_timestamp", "created_timestamp").cast(TIME))
    write_frame(store, Layout.of(CUSTOMER_ACTIVITY), "customer_id", frame, datetime.now(UTC))


TIME = pl.Datetime("us", "UTC")


def look(workspace: Workspace, answers: list[Served]) -> Verdict:
    figures = workspace.root / "figures"
    detect("churn", LOOK, workspace.root / "page", figures, answers)
    return Verdict.load(figures)


def kept(workspace: Workspace) -> Path:
    return workspace.reports / "drift" / "churn" / LOOK / PARITY_FILE


def lamp(workspace: Workspace) -> tuple[str, str]:
    shown = integrity_lamp(Evidence(workspace).integrity())
    return shown.state, shown.said.text


def test_answers_that_rest_on_what_training_is_told_pass_and_the_proof_lies_beside_the_verdict(workspace):
    verdict = look(workspace, [each for number in range(3) for each in answer(workspace, number)])
    assert verdict.word == STABLE
    assert verdict.checks[-1].found == "equal in every row that answers rested on"
    assert ParityReport.model_validate_json(kept(workspace).read_bytes()).word == "equal"
    assert lamp(workspace)[0] == "ok"


def test_without_answers_nothing_is_asked_and_an_older_proof_goes(workspace):
    assert len(look(workspace, answer(workspace, 0)).checks) == len(look(workspace, []).checks) + 1
    assert not kept(workspace).exists()
    assert lamp(workspace)[0] == "ok"


def test_a_skew_is_an_incident_that_names_the_feature_and_stops_the_lamp(workspace):
    workspace.feast.mkdir()
    bring_online(workspace, 7, spend_90d=99.0)
    verdict = look(workspace, [*answer(workspace, 6), *answer(workspace, 7, spend_90d=99.0)])
    assert verdict.word == NOT_COMPUTED
    assert "as in training: customer_activity.spend_90d in 1 of 4 rows, wanted" in verdict.sentence
    assert verdict.checks[-1].features == ("spend_90d",)
    said = "answers rested on other values than training is told: customer_activity.spend_90d in 1 of 4 rows"
    assert lamp(workspace) == ("stop", f"churn: {said}.")


def test_a_row_that_is_not_online_any_more_leaves_the_view_to_name(workspace):
    verdict = look(workspace, answer(workspace, 7, spend_90d=99.0))
    assert "customer_activity in 1 of 2 rows" in verdict.sentence


def test_an_answer_from_before_its_snapshot_was_written_again_says_nothing(workspace):
    early = [
        Served(each.service, each.view, each.customer, each.as_of, "00", OCTOBER)
        for each in answer(workspace, 7)
    ]
    assert look(workspace, early).word == STABLE
    assert not kept(workspace).exists()
