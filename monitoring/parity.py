"""Parity as part of a look: did serving use the values that training is told?"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.config import Workspace
from attune.drift.verdicts import replace_file
from attune.features.parity import Served, compare_answers
from attune.features.parity_report import ParityReport
from attune.features.snapshot_values import SnapshotValues

PARITY_FILE, VERDICT_FILE = "parity.json", "verdict.json"
READ_SECONDS = 2.0


def compare_served(workspace: Workspace, answers: Sequence[Served]) -> ParityReport | None:
    """Compare answers with snapshots; what was read between two of them, `attune features parity` compares.

    An answer from before its snapshot was written again, from corrected tables for example, says nothing.

    Returns:
        None where there is nothing to compare.
    """
    offline = SnapshotValues(workspace.features)
    fresh = [
        answer
        for answer in answers
        if (written := offline.written(answer.view, answer.as_of)) is not None and written <= answer.at
    ]
    if not fresh:
        return None
    store = open_rows(workspace.feast / ONLINE_FILE, read_seconds=READ_SECONDS)
    return compare_answers(offline, store, fresh)


def keep_parity(report: ParityReport | None, folder: Path) -> None:
    """Write what was compared beside the verdict of the same look, in place of what an earlier one left."""
    file = folder / PARITY_FILE
    if report is None:
        file.unlink(missing_ok=True)
    else:
        replace_file(file, report.model_dump_json(indent=1) + "\n")


def last_skew(folder: Path) -> str:
    """What was skewed in the newest of the looks below a folder, in words; empty where nothing was.

    Args:
        folder: Of one model: a folder each look, named by its date.
    """
    looks = sorted(file.parent for file in folder.glob(f"*/{VERDICT_FILE}"))
    if not looks or not (looks[-1] / PARITY_FILE).exists():
        return ""
    try:
        report = ParityReport.model_validate_json((looks[-1] / PARITY_FILE).read_bytes())
    except (OSError, ValidationError):
        return f"{looks[-1] / PARITY_FILE} cannot be read; look at the model again"
    return f"answers rested on other values than training is told: {report.skew}" if report.skew else ""
