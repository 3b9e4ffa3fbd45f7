"""The fairness table of a version: how well it serves each group of people, and where it serves one worse."""

from collections.abc import Iterable
from typing import Literal

from pydantic import FiniteFloat

from attune.columns import AGE_BAND, INCOME_BAND
from attune.config import Settings
from attune.evaluation.results import Evaluation, SliceResult

FAIRNESS_FILE = "fairness.json"
ATTRIBUTES = (AGE_BAND, INCOME_BAND)

FairnessVerdict = Literal["reference", "ok", "gap", "not enough data"]


class FairnessRow(Settings):
    """One group: its metric, and how far it lies below the group it is compared with.

    Attributes:
        gap: The reference group's value minus this one's; None where one of them is not known.
    """

    attribute: str
    group: str
    rows: int
    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    gap: FiniteFloat | None
    verdict: FairnessVerdict


class FairnessTable(Settings):
    """The whole of fairness.json.

    Attributes:
        metric: More is better.
        min_rows: A group with fewer examples is not judged.
        max_gap: How far a group may surely lie below the largest group.
    """

    metric: str
    min_rows: int
    max_gap: float
    rows: list[FairnessRow]

    @property
    def judged(self) -> list[FairnessRow]:
        """The groups that had enough examples."""
        return [row for row in self.rows if row.verdict != "not enough data"]


def fairness_table(evaluation: Evaluation, metric: str, min_rows: int, max_gap: float) -> FairnessTable:
    """Compare the groups of each attribute with the largest of them.

    A group has a gap where its interval lies below the largest group's and the values are further apart than
    `max_gap`: seen, not guessed. On too few examples nothing is said.

    Args:
        evaluation: What was measured, by slice.
        metric: The metric that decides.
        min_rows: As the gate asks.
        max_gap: As the gate allows a slice to lose.
    """
    rows: list[FairnessRow] = []
    for attribute in ATTRIBUTES:
        groups = [found for found in evaluation.slices if (found.slice, found.metric) == (attribute, metric)]
        rows += _rows(groups, min_rows, max_gap)
    return FairnessTable(metric=metric, min_rows=min_rows, max_gap=max_gap, rows=rows)


def _rows(groups: list[SliceResult], min_rows: int, max_gap: float) -> Iterable[FairnessRow]:
    judged = [group for group in groups if group.value is not None and group.rows >= min_rows]
    reference = max(judged, key=lambda group: group.rows, default=None)
    for group in groups:
        known = reference is not None and group.value is not None and reference.value is not None
        yield FairnessRow(
            attribute=group.slice,
            group=group.group,
            rows=group.rows,
            value=group.value,
            low=group.low,
            high=group.high,
            gap=reference.value - group.value if known else None,  # type: ignore[union-attr, operator]
            verdict=_verdict(group, reference, min_rows, max_gap),
        )


def _verdict(
    group: SliceResult, reference: SliceResult | None, min_rows: int, max_gap: float
) -> FairnessVerdict:
    if reference is None or group.value is None or reference.value is None or group.rows < min_rows:
        return "not enough data"
    if group is reference:
        return "reference"
    apart = group.high is None or reference.low is None or group.high < reference.low
    return "gap" if apart and reference.value - group.value > max_gap else "ok"
