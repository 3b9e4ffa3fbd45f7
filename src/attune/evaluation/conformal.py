"""Sets of labels that hold the true one as often as they say: split conformal prediction.

A held-out calibration set tells how unlikely the true label may look to a model; a set then holds every label
that looks no more unlikely (LAC: Sadinle, Lei and Wasserman, 2019, arXiv 1609.00451). Where a group has rows
enough, it is calibrated by itself, so that the promise holds for it too (Vovk, 2012, arXiv 1209.2673).
"""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pydantic import Field

from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.bootstrap import Floats

EVERYBODY = "everybody"
FEWEST_ROWS = 100
Sets = npt.NDArray[np.bool_]
Names = npt.NDArray[np.object_]


class ConformalSets(Settings):
    """How unlikely a label may look and still be in the set, for everybody and by group.

    Attributes:
        coverage: How often a set shall hold the true label.
        largest: Group -> the largest 1 - probability of a label in a set.
        rows: Group -> by how many rows it was calibrated.
    """

    coverage: float = Field(gt=0, lt=1)
    largest: dict[str, float]
    rows: dict[str, int]

    @classmethod
    def calibrate(
        cls, scores: Floats, labels: Floats, coverage: float = 0.9, by: Names | None = None
    ) -> "ConformalSets":
        """Calibrate on rows that did not teach the model; whether the promise holds, `measure_coverage` says.

        Args:
            scores: Probabilities of label 1, shape [N].
            labels: What happened, 0 or 1, shape [N].
            coverage: How often a set shall hold the true label.
            by: The group of each row, shape [N]; a group with fewer than 100 rows counts with everybody.

        Raises:
            DataError: There are too few rows for that coverage.
        """
        unlikely_N = 1 - np.where(labels == 1, scores, 1 - scores)
        groups = {} if by is None else {str(name): by == name for name in np.unique(by.astype(str))}
        chosen = {name: rows for name, rows in groups.items() if rows.sum() >= FEWEST_ROWS}
        parts = {EVERYBODY: unlikely_N} | {name: unlikely_N[rows] for name, rows in chosen.items()}
        return cls(
            coverage=coverage,
            largest={name: _quantile(part, coverage) for name, part in parts.items()},
            rows={name: len(part) for name, part in parts.items()},
        )

    def sets(self, scores: Floats, by: Names | None = None) -> Sets:
        """Which labels each set holds, shape [N, 2]: label 0, label 1; none where both look too unlikely.

        Args:
            scores: Probabilities of label 1, shape [N].
            by: The group of each row; one that was not calibrated by itself counts with everybody.
        """
        largest_N = np.full(len(scores), self.largest[EVERYBODY])
        if by is not None:
            largest_N = np.array([self.largest.get(str(name), self.largest[EVERYBODY]) for name in by])
        return np.column_stack([scores <= largest_N, 1 - scores <= largest_N])


class Coverage(Settings):
    """What sets kept of their promise."""

    rows: int
    coverage: float | None = Field(description="how often the true label was in the set; None on few rows")
    mean_size: float | None


def measure_coverage(sets: Sets, labels: Floats, by: Names | None = None) -> Mapping[str, Coverage]:
    """How often the sets of N rows held the true label, for everybody and by group.

    Args:
        sets: Which labels each holds, shape [N, 2].
        labels: What happened, shape [N].
        by: The group of each row, shape [N].
    """
    groups = {} if by is None else {str(name): by == name for name in np.unique(by.astype(str))}
    everybody = {EVERYBODY: np.ones(len(labels), dtype=np.bool_), **groups}
    return {name: _coverage(sets[rows], labels[rows]) for name, rows in everybody.items()}


def _coverage(sets: Sets, labels: Floats) -> Coverage:
    if len(labels) < FEWEST_ROWS:
        return Coverage(rows=len(labels), coverage=None, mean_size=None)
    held = sets[np.arange(len(labels)), labels.astype(int)]
    return Coverage(rows=len(labels), coverage=float(held.mean()), mean_size=float(sets.sum(axis=1).mean()))


def _quantile(unlikely: Floats, coverage: float) -> float:
    """The value below which a new row falls with the wanted chance, one row more than seen."""
    rank = math.ceil((len(unlikely) + 1) * coverage)
    if rank > len(unlikely):
        raise DataError(
            f"{len(unlikely)} rows cannot promise a coverage of {coverage:g}; calibrate on at least "
            f"{math.ceil(coverage / (1 - coverage))} rows, or promise less"
        )
    return float(np.sort(unlikely)[rank - 1])
