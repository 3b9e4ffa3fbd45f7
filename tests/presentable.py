"""What a version must show before it may be promoted, for tests that are about something else."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attune.evaluation.comparison import Comparison, TestRows
from attune.evaluation.results import Difference, Evaluation, Metric
from attune.governance.documents import Document, Section
from attune.governance.fairness import FairnessRow, FairnessTable
from attune.governance.model_card import SECTIONS
from attune.governance.outcome import Outcome
from attune.training.search_record import SearchRecord

MEASURED = Evaluation(metrics={"roc_auc": Metric(value=0.8, low=0.7, high=0.9)})


def documents(model: str = "churn", algorithm: str = "logistic_regression") -> dict[str, Any]:
    """The documents of a version that the gate would promote, by their file."""
    simple = Difference(
        a=algorithm, b="a simple one", metric="roc_auc", mean=0.1, low=0.05, high=0.15, level=0.95
    )
    results = Comparison(
        model=model,
        kind="scorer",
        metric="roc_auc",
        network=algorithm,
        test=TestRows(rows=1000, customers=500, as_of=[datetime(2017, 6, 4, tzinfo=UTC)]),
        candidates={algorithm: MEASURED, "a simple one": MEASURED},
        champion=None,
        differences=[simple],
    )
    row = FairnessRow(
        attribute="age_band",
        group="25-34",
        rows=800,
        value=0.8,
        low=0.7,
        high=0.9,
        gap=0.0,
        verdict="reference",
    )
    return {
        "evaluation.json": results,
        "decision.json": Outcome(
            verdict="promoted",
            candidate=algorithm,
            reason="better",
            model=model,
            compared_with=None,
            cause="a test",
        ),
        "fairness.json": FairnessTable(metric="roc_auc", min_rows=500, max_gap=0.05, rows=[row]),
        "search.json": SearchRecord.of_defaults(algorithm, {"model": {}}, seed=0),
        "model_card.json": Document(
            title="Model card", sections=[Section(title=title, sentences=["Said."]) for title in SECTIONS]
        ),
    }


def make_presentable(folder: Path, model: str = "churn", algorithm: str = "logistic_regression") -> Path:
    """Add the documents to a folder that is about to be registered; what is there stays."""
    for name, document in documents(model, algorithm).items():
        if not (folder / name).exists():
            (folder / name).write_text(json.dumps(document.model_dump(mode="json")))
    return folder
