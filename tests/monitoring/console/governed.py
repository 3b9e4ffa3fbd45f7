"""A workspace with two use cases, told so that every part of the console has something to show."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import save_file

from attune import columns as c
from attune.config import Workspace
from attune.data.tables import write_tables
from attune.drift.served import ServedCheck, ServedReport
from attune.drift.verdicts import DRIFTED, INDEX, Bars, Check, FeatureVerdict, Subject, Verdict
from attune.drift.verdicts import Window as Rows
from attune.evaluation.comparison import ChampionResult
from attune.evaluation.results import Evaluation, Metric
from attune.evaluation.variety import GroupExposure
from attune.governance.documents import Document, Section, markdown
from attune.governance.fairness import FairnessRow, FairnessTable, FairnessVerdict
from attune.governance.manifest import Window
from attune.registry import Registry, Version
from attune.retraining.controller import Controller
from attune.retraining.decide import Look
from attune.retraining.rules import RetrainingRules
from tests.origins import make_origin
from tests.presentable import documents, make_presentable

LEARNT, OCTOBER = datetime(2017, 7, 2, tzinfo=UTC), datetime(2017, 10, 1, tzinfo=UTC)
PREDICTION = "d603d0bb6c2642c282dcef3c2317c81b"
CUSTOMERS = [f"customer-{number:04d}" for number in range(20)]


def make_workspace(root: Path, text: str = "the best one") -> Workspace:
    """Churn: version 1 serves, approved by ann; version 2 of bob waits for a person.

    Recommend has one version that nobody promoted. `text` stands wherever people or data may write.
    """
    workspace = Workspace(root=root)
    registry = Registry(workspace)
    first = register(workspace, registry, "churn", 1, text)
    approve(registry, first, text)
    registry.promote("churn", 1, None, text, text)
    register(workspace, registry, "churn", 2, text, approval="person")
    register(workspace, registry, "recommend", 1, text)
    _watch(workspace, text)
    _serve(workspace, text)
    _consents(workspace)
    _predict(workspace)
    return workspace


def approve(registry: Registry, version: Version, reason: str) -> None:
    registry.approve(version, markdown(registry.card(version)), "ann", reason)


def register(
    workspace: Workspace, registry: Registry, name: str, number: int, text: str, approval: str = "gate"
) -> Version:
    """One more version, whose documents carry a text."""
    trained = workspace.root / f"trained-{name}-{number}"
    trained.mkdir()
    save_file({"weight": np.full(1, number)}, trained / "weights.safetensors")
    for file, document in _documents(name, number, text).items():
        content = document if isinstance(document, dict) else document.model_dump(mode="json")
        (trained / file).write_text(json.dumps(content))
    origin = make_origin(
        LEARNT + timedelta(days=28 * number),
        name=name,
        feature_service="churn_v1",
        data_hash=f"{number:064d}",
        window={"train": Window(first=LEARNT, last=LEARNT + timedelta(days=7 * number))},
        metrics={"roc_auc": Metric(value=0.8 + number / 100, low=0.78, high=0.86)},
        author="bob",
        approval="person" if approval == "person" else "gate",
        run_key=f"{number:064d}",
    )
    return registry.register(make_presentable(trained, name), origin)


def _documents(name: str, number: int, text: str) -> dict[str, Any]:
    found = documents(name)
    measured = Evaluation(metrics={"roc_auc": Metric(value=0.8, low=0.79, high=0.81)})
    champion = ChampionResult(version=1, evaluation=measured) if number > 1 else None
    results = found["evaluation.json"].model_copy(
        update={
            "candidates": {"logistic_regression": measured, "a simple one": measured, text: measured},
            "champion": champion,
        }
    )
    card = found["model_card.json"]
    sections = [section.model_copy(update={"sentences": [text]}) for section in card.sections]
    rows = [
        _group("25-34", 800, Metric(value=0.80, low=0.78, high=0.82), "reference"),
        _group(text, 700, Metric(value=0.79, low=0.76, high=0.82), "ok"),
        _group("65+", 41, Metric.not_computed("too few"), "not enough data"),
    ]
    return found | {
        "evaluation.json": results,
        "decision.json": found["decision.json"].model_copy(
            update={"reason": text, "cause": text, "compared_with": 1 if number > 1 else None}
        ),
        "fairness.json": FairnessTable(metric="roc_auc", min_rows=500, max_gap=0.05, rows=rows),
        "model_card.json": Document(title=text, sections=sections),
        "datasheet.json": Document(title=text, sections=[Section(title=text, sentences=[text])]),
        "plan.json": {"gate": {"metric": "roc_auc", "min_rows": 500, "max_slice_loss": 0.05}},
    }


def _group(group: str, rows: int, found: Metric, verdict: FairnessVerdict) -> FairnessRow:
    return FairnessRow(
        attribute="age_band",
        group=group,
        rows=rows,
        value=found.value,
        low=found.low,
        high=found.high,
        gap=None if found.value is None else 0.8 - found.value,
        verdict=verdict,
    )


def _watch(workspace: Workspace, text: str) -> None:
    """Two windows of drift; the controller takes note of both, and starts a run."""
    controller = Controller(workspace, RetrainingRules(benefit=False))
    for week in range(2):
        as_of = OCTOBER + timedelta(days=7 * week)
        verdict = save_look(workspace, (moved(text),), as_of, text)
        seen = Look(at=datetime.now(UTC), version=1, window=as_of, pressure=2.0, cause=verdict.sentence)
        controller.look("churn", seen)


def moved(text: str) -> FeatureVerdict:
    """A feature that moved, with a text in every place that takes one."""
    labels = (text, *(f"category {number}" for number in range(9)))
    return FeatureVerdict(
        feature=text,
        description=text,
        kind="category",
        method=INDEX,
        distance=0.4123,
        limit=0.1,
        word=DRIFTED,
        bars=Bars(labels=labels, reference=(0.1,) * 10, current=(0.55, *(0.05,) * 9)),
    )


def save_look(
    workspace: Workspace, features: tuple[FeatureVerdict, ...], as_of: datetime, text: str = "Much"
) -> Verdict:
    """A look at version 1 of churn, as monitoring leaves it."""
    verdict = Verdict(
        subject=Subject(model="churn", version=1, feature_service="churn_v1", now=as_of),
        word=DRIFTED,
        sentence=f"{text} moved as of {as_of:%Y-%m-%d}.",
        reference=Rows(rows=20000, first=LEARNT, last=LEARNT),
        current=Rows(rows=2317, first=as_of, last=as_of),
        checks=(Check(name=text, found=text, wanted=text, passed=True),),
        features=features,
        not_watched={text: text},
    )
    verdict.save(workspace.reports / "drift" / "churn" / f"{as_of:%Y-%m-%d}" / "verdict.json")
    return verdict


def _serve(workspace: Workspace, text: str) -> None:
    """What the answers of version 1 were like: one figure beyond its limit."""
    beyond = ServedCheck(name="Novelty", value=1.0, limit=2.0, word="beyond", sentence=text)
    unknown = ServedCheck(name="Coverage", word="not computed", sentence=text)
    now = datetime.now(UTC)
    ServedReport(
        model="churn",
        version=1,
        at=now,
        first=now - timedelta(days=28),
        answers=1234,
        checks=(beyond, unknown),
        exposure=(GroupExposure(group=text, exposure=0.25, bought=0.5, items=0.75),),
    ).save(workspace.reports)


def _consents(workspace: Workspace) -> None:
    """All agree before the first version learnt; one withdraws from churn later."""
    rows = [(customer, "churn", True, LEARNT) for customer in CUSTOMERS]
    rows += [(CUSTOMERS[0], "churn", False, datetime.now(UTC) - timedelta(days=3))]
    consents = pd.DataFrame(rows, columns=[c.CUSTOMER_ID, c.PURPOSE, c.GRANTED, c.EVENT_TIMESTAMP])
    consents[c.EVENT_TIMESTAMP] = consents[c.EVENT_TIMESTAMP].dt.as_unit("us")
    people = pd.DataFrame({c.CUSTOMER_ID: CUSTOMERS} | dict.fromkeys(c.DEMOGRAPHICS, "unknown"))
    write_tables(workspace.tables, {"customers": people, "consents": consents})


def _predict(workspace: Workspace) -> None:
    workspace.predictions.mkdir()
    record = {
        "prediction_id": PREDICTION,
        "at": datetime.now(UTC).isoformat(),
        "model": "churn",
        "model_version": 1,
        "feature_service": "churn_v1",
        "degraded": [],
    }
    (workspace.predictions / "log.jsonl").write_text(json.dumps(record) + "\n")
