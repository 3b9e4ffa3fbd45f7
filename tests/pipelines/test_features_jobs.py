"""The commands that work on features, on a small shop that is imported and online."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from attune.adapters.feast import FeastStore
from attune.config import Workspace
from attune.errors import DataError, FeatureError
from attune.features.snapshots import snapshots
from pipelines.cli import app
from serving.prediction_log import PredictionLog, PredictionRecord, ServedFeatures
from tests.features.live_shop import ONLINE, copy_of, customer, open_shop

LINE = {
    "customer_id": "customer 0",
    "item_id": "item 1",
    "order_id": "new",
    "event_timestamp": "2017-02-28T10:00:00Z",
    "created_timestamp": "2017-02-28T10:00:00Z",
    "quantity": 1,
    "amount": 2.5,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Workspace:
    return open_shop(tmp_path_factory.mktemp("opened"))


@pytest.fixture
def shop(opened, tmp_path) -> Workspace:
    return copy_of(opened, tmp_path / "shop")


def run(shop: Workspace, *arguments: str, **options: Any) -> Result:
    command = ["features", *arguments, "--home", str(shop.root)]
    return CliRunner().invoke(app, command, catch_exceptions=False, env={"COLUMNS": "300"}, **options)


def pushed(shop: Workspace, *lines: dict[str, Any]) -> str:
    given = "\n".join(map(json.dumps, lines)) + "\n"
    return run(shop, "push", "-", input=given).output


def test_lines_that_are_pushed_are_online_and_pushing_them_again_changes_nothing(shop):
    assert "lines 1 to 1: 1 accepted, 0 known already" in pushed(shop, LINE)
    assert "0 accepted, 1 known already" in pushed(shop, LINE)
    (row,) = FeastStore(shop).online("recommend_v1", [customer(shop, 0)], ONLINE.replace(month=3, day=1))
    assert row.values["history_items"][-1] == "item 1"


def test_a_line_that_does_not_hold_is_named_and_the_others_are_taken(shop, tmp_path):
    file = tmp_path / "today.jsonl"
    file.write_text(f"{json.dumps(LINE)}\n\n{json.dumps(LINE | {'item_id': 'nothing'})}\nnonsense\n")
    with pytest.raises(DataError) as refused:
        run(shop, "push", str(file))
    said = str(refused.value)
    assert "2 lines were refused, the others are taken" in said
    assert "line 3: item_id is not in the table items" in said
    assert "line 4: the line: Invalid JSON" in said
    assert "0 accepted, 1 known already" in pushed(shop, LINE)


def test_a_back_fill_computes_each_date_once(shop):
    dates = ("--from", "2017-02-05", "--to", "2017-02-26", "--service", "churn_v1")
    assert (
        "3 snapshots computed" in run(shop, "backfill", *dates).output
    )  # the profile and one date are there
    assert "0 snapshots computed" in run(shop, "backfill", *dates).output
    assert len(snapshots(shop.features, "customer_activity")) == 4


def test_what_is_online_already_is_not_brought_online_again(shop):
    shown = run(shop, "materialize", "--now", "2017-02-26").output
    assert "online: 0 rows written" in shown
    assert "features are online as of 2017-02-26" in shown
    assert "3 snapshots read" in run(shop, "materialize", "--now", "2017-02-26", "--rebuild").output


def test_the_audit_looks_at_services_registry_and_snapshots(shop):
    shown = run(shop, "audit").output
    assert "churn_v1" in shown
    assert "is what was written last" in shown
    assert re.search(r"customer_activity: \d+ rows as of 2017-02-26 hold what is declared", shown)
    assert "message_context: no snapshot yet: not computed" in shown


def test_a_registry_that_somebody_changed_fails_the_audit(shop):
    with (shop.feast / "registry.pb").open("ab") as registry:
        registry.write(b"\0")
    with pytest.raises(FeatureError, match="not what was written last"):
        run(shop, "audit")


def answered(shop: Workspace, digest: str) -> None:
    record = PredictionRecord(
        prediction_id="1",
        at=ONLINE,
        model="churn",
        model_version=1,
        feature_service="churn_v1",
        degraded=[],
        customer=customer(shop, 0),
        features={"customer_activity": ServedFeatures(as_of=ONLINE, digest=digest)},
    )
    log = PredictionLog(shop.predictions)
    assert log.write(record.model_dump(exclude_none=True))
    log.close()


def test_parity_after_a_push_is_proven_view_by_view(shop):
    pushed(shop, LINE)
    run(shop, "backfill", "--from", "2017-02-26", "--to", "2017-02-26")
    run(shop, "materialize", "--now", "2017-02-26")
    shown = run(shop, "parity", "--customers", "8").output
    assert shown.splitlines()[-1].startswith("equal; ")
    assert json.loads((shop.reports / "parity.json").read_text())["proofs"][0]["word"] == "equal"


def test_an_answer_that_rested_on_other_values_is_named_and_ends_the_command_with_an_error(shop):
    answered(shop, "00")
    with pytest.raises(FeatureError, match="1 values differ"):
        run(shop, "parity", "--customers", "2")


def test_help_says_what_a_line_holds():
    shown = CliRunner().invoke(app, ["features", "push", "--help"], env={"COLUMNS": "300"}).output
    assert all(name in shown for name in LINE)


def test_no_file_is_said_in_words(shop, tmp_path):
    with pytest.raises(Exception, match="name one of JSON lines"):
        run(shop, "push", str(Path(tmp_path / "none.jsonl")))
