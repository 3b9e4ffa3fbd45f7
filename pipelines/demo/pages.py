"""The pages that the story leaves."""

from collections.abc import Sequence
from pathlib import Path

from attune.drift.verdicts import DRIFTED, STABLE, replace_file
from monitoring.pages import Table, summary_page
from pipelines.demo.teller import Teller


def write_pages(teller: Teller, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Path]:
    """Write the summary page; returns it and the drift reports."""
    reports = teller.workspace.reports
    drifted = any(verdict.word == DRIFTED for _, verdict in teller.verdicts)
    looks = [
        [now, verdict.subject.model, str(verdict.subject.version), verdict.word, verdict.sentence]
        for now, verdict in teller.verdicts
    ]
    gates = [[training.model, training.now, training.released.reason] for training in teller.trainings]
    page = summary_page(
        "The loop, once around",
        DRIFTED if drifted else STABLE,
        teller.trainings[-1].released.reason,
        [
            Table("Versions", columns, rows),
            Table("What the gate said", ["model", "known up to", "reason"], gates),
            Table("What the monitors said", ["as of", "model", "version", "verdict", "sentence"], looks),
        ],
        "Made by attune demo from this run; the data is simulated after real grocery shopping patterns "
        "(The Complete Journey, 84.51 degrees).",
    )
    summary = reports / "loop.html"
    replace_file(summary, page)
    return [summary, *sorted((reports / "drift").rglob("report.html"))]
