"""The prediction log of a champion, as signals and as a report that the pages find."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from attune import columns as c
from attune.config import Workspace
from attune.data.tables import write_tables
from attune.drift.served import newest_report
from attune.training.plan import TrainingPlan
from pipelines.served import Served
from tests.monitoring.watched_shop import CUSTOMERS, make_workspace
from tests.plans import churn_plan

NOW = datetime(2017, 12, 10, tzinfo=UTC)
PLAN = TrainingPlan.parse(churn_plan("logistic_regression"))


def answer(version: int, number: int, probability: float = 0.5, days: int = 1) -> str:
    record = {
        "prediction_id": f"{number:032d}",
        "at": (NOW - timedelta(days=days)).isoformat(),
        "model": "churn",
        "model_version": version,
        "feature_service": "churn_v1",
        "degraded": [],
        "customer": CUSTOMERS[number],
        "probability": probability,
    }
    return json.dumps(record) + "\n"


def log(workspace: Workspace, *lines: str) -> None:
    workspace.predictions.mkdir(exist_ok=True)
    with (workspace.predictions / "1-1.jsonl").open("a") as file:
        file.writelines(lines)


def buy(workspace: Workspace, stayed: list[str]) -> None:
    """Everybody bought in October, and some in November again."""
    bought = [(customer, datetime(2017, 10, 20, tzinfo=UTC)) for customer in CUSTOMERS]
    bought += [(customer, datetime(2017, 11, 20, tzinfo=UTC)) for customer in stayed]
    bought += [(CUSTOMERS[0], NOW)]
    names = [f"i{number}" for number in range(len(bought))]
    times = pd.to_datetime([at for _, at in bought]).as_unit("us")
    rows = {c.INTERACTION_ID: names, c.CUSTOMER_ID: [customer for customer, _ in bought], c.ITEM_ID: "bread"}
    rows |= {c.ORDER_ID: names, c.EVENT: c.PURCHASE, c.EVENT_TIMESTAMP: times, c.CREATED_TIMESTAMP: times}
    items = {c.ITEM_ID: ["bread"], c.DEPARTMENT: "food", c.CATEGORY: "food", c.BRAND: "ours"}
    interactions = pd.DataFrame(rows).assign(**dict.fromkeys((c.QUANTITY, c.AMOUNT, c.DISCOUNT), 1.0))
    write_tables(workspace.tables, {"items": pd.DataFrame(items), "interactions": interactions})


def test_only_answers_of_the_version_that_serves_are_looked_at(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    assert Served.of(workspace, "churn", PLAN, NOW) is None
    log(workspace, answer(version=2, number=1))
    assert Served.of(workspace, "churn", PLAN, NOW) is None
    log(workspace, answer(version=1, number=2))
    served = Served.of(workspace, "churn", PLAN, NOW)
    assert served is not None
    assert served.answers["prediction_id"].to_list() == [f"{2:032d}"]


def test_once_labels_have_arrived_the_report_says_whom_decisions_miss(tmp_path: Path):
    workspace = make_workspace(tmp_path)
    # Of those who leave, every second one gets a low score; so do their ages alternate.
    left = set(CUSTOMERS[::5])
    scores = [0.9 if CUSTOMERS[n] in left and n % 2 == 0 else n / 1e5 for n in range(len(CUSTOMERS))]
    log(workspace, *(answer(1, n, score, days=35) for n, score in enumerate(scores)))
    buy(workspace, [customer for customer in CUSTOMERS if customer not in left])
    served = Served.of(workspace, "churn", PLAN, NOW)
    assert served is not None
    report = served.report()
    assert report is not None
    assert report.answers == len(CUSTOMERS)
    (check,) = report.checks
    assert (check.name, check.word) == ("Group fairness of decisions", "beyond")
    report.save(workspace.reports)
    assert newest_report(workspace.reports, "churn", 1) == report
    assert newest_report(workspace.reports, "churn", 2) is None
