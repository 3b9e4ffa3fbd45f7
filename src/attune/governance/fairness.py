"""The fairness table of a version: how well it serves each group of people, and where it serves one worse."""

from collections.abc import Iterable, Sequence
from math import hypot
from statistics import NormalDist
from typing import Literal

from pydantic import FiniteFloat

from attune.columns import AGE_BAND, INCOME_BAND
from attune.config import Settings
from attune.evaluation.classification import FEWEST_ROWS
from attune.evaluation.results import Evaluation, SliceResult

FAIRNESS_FILE = "fairness.json"
ATTRIBUTES = (AGE_BAND, INCOME_BAND)
TELLING = 3.0  # a comparison that would not see so many times the limit says nothing

FairnessVerdict = Literal["reference", "ok", "perhaps", "gap", "not enough data"]


class FairnessRow(Settings):
    """One group: its metric, and how far it lies below the group it is compared with.

    Attributes:
        gap: The reference group's value minus this one's; None where one of them is not known.
        gap_low: From where on the gap surely is, for all groups of the table at once.
        gap_high: Up to where.
    """

    attribute: str
    group: str
    rows: int
    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    gap: FiniteFloat | None
    gap_low: FiniteFloat | None = None
    gap_high: FiniteFloat | None = None
    verdict: FairnessVerdict


class FairnessTable(Settings):
    """The whole of fairness.json.

    Attributes:
        metric: More is better.
        min_rows: A group with fewer examples is not judged.
        max_gap: How far a group may surely lie below the largest group.
        telling: A group is not judged either where a gap of this size would not surely be seen; None in a
            table that was made before this was asked.
    """

    metric: str
    min_rows: int
    max_gap: float
    telling: float | None = None
    rows: list[FairnessRow]

    @property
    def judged(self) -> list[FairnessRow]:
        """The groups that had enough examples."""
        return [row for row in self.rows if row.verdict != "not enough data"]

    @property
    def compared(self) -> list[FairnessRow]:
        """The groups that were judged against another one."""
        return [row for row in self.judged if row.verdict != "reference" and row.gap is not None]


def fairness_table(evaluation: Evaluation, metric: str, level: float, max_gap: float) -> FairnessTable:
    """Compare the groups of each attribute with the largest of them.

    A group has a gap where it surely lies below the largest group and the values are further apart than
    `max_gap`: seen, not guessed. How many examples are enough follows from the width of the interval: a
    comparison that would not see a gap of three times the limit says nothing. Intervals are as wide as all
    comparisons of the table together ask (Bonferroni), for among twenty groups one is always unlucky.

    Args:
        evaluation: What was measured, by slice.
        metric: The metric that decides.
        level: How sure the intervals of the slices are, and the table is to be.
        max_gap: As the gate allows a slice to lose.
    """
    found = [
        [group for group in evaluation.slices if (group.slice, group.metric) == (attribute, metric)]
        for attribute in ATTRIBUTES
    ]
    comparisons = sum(max(0, sum(group.low is not None for group in groups) - 1) for groups in found)
    wider = _wider(level, comparisons)
    return FairnessTable(
        metric=metric,
        min_rows=FEWEST_ROWS,
        max_gap=max_gap,
        telling=TELLING * max_gap,
        rows=[row for groups in found for row in _rows(groups, max_gap, wider)],
    )


def _wider(level: float, comparisons: int) -> float:
    """How many times wider an interval is that holds for so many comparisons at once.

    >>> _wider(0.95, 1), round(_wider(0.95, 20), 2)
    (1.0, 1.54)
    """
    normal, tail = NormalDist(), (1 - level) / 2
    return normal.inv_cdf(1 - tail / max(1, comparisons)) / normal.inv_cdf(1 - tail)


def _rows(groups: Sequence[SliceResult], max_gap: float, wider: float) -> Iterable[FairnessRow]:
    measured = [group for group in groups if group.value is not None and group.low is not None]
    reference = max(measured, key=lambda group: group.rows, default=None)
    for group in groups:
        ends = None if reference is None else _gap(reference, group, wider)
        gap, low, high = ends or (None, None, None)
        yield FairnessRow(
            attribute=group.slice,
            group=group.group,
            rows=group.rows,
            value=group.value,
            low=group.low,
            high=group.high,
            gap=gap,
            gap_low=low,
            gap_high=high,
            verdict="reference" if group is reference else _verdict(ends, max_gap),
        )


def _gap(reference: SliceResult, group: SliceResult, wider: float) -> tuple[float, float, float] | None:
    """The gap and its interval, from those of two groups that share nobody (Zou and Donner, 2008)."""
    if group is reference:
        return 0.0, 0.0, 0.0
    ends = [
        end for side in (reference, group) for end in (side.value, side.low, side.high) if end is not None
    ]
    if len(ends) < 6:
        return None
    above, above_low, above_high, value, low, high = ends
    gap = above - value
    down, up = hypot(above - above_low, high - value), hypot(above_high - above, value - low)
    return gap, gap - wider * down, gap + wider * up


def _verdict(found: tuple[float, float, float] | None, max_gap: float) -> FairnessVerdict:
    if found is None:
        return "not enough data"
    gap, low, _ = found
    if gap > max_gap and low > 0:
        return "gap"
    if gap - low > TELLING * max_gap:
        return "not enough data"
    return "perhaps" if gap > max_gap else "ok"
