"""What a version's documents say of a scorer beyond its metrics: calibration, decisions, errors, features."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from attune.config import Settings
from attune.errors import ModelError
from attune.evaluation.analysis import ANALYSIS_FILE, Analysis, analyse
from attune.evaluation.fairness import GroupRate
from attune.evaluation.results import Metric
from attune.explain.importance import IMPORTANCE_FILE, Importances, permutation_importance
from attune.governance.documents import Bar, Figure, Table
from attune.models.calibration import Calibration

_BARS = 15


class Insight(NamedTuple):
    """What was found out about a trained scorer."""

    calibration: Calibration
    analysis: Analysis
    importances: Importances

    @classmethod
    def of(cls, model: Any, held_out: Path, test: Path, level: float, seed: int) -> "Insight":
        """Ask a scorer about examples that did not teach it.

        Args:
            model: The trained scorer.
            held_out: Its validation examples, which choose a threshold and calibrate sets.
            test: Later examples, by which all is measured.
            level: How sure the intervals are.
            seed: The same seed draws the same customers.

        Raises:
            ModelError: A score is not a number.
        """
        asked = [(rows, model.score(rows)) for rows in map(pd.read_parquet, (held_out, test))]
        if not all(np.isfinite(scores).all() for _, scores in asked):
            raise ModelError("scores are not finite numbers; look for extreme values and train again")
        return cls(
            calibration=model.calibration,
            analysis=analyse(asked[0], asked[1], level, seed),
            importances=permutation_importance(model, asked[1][0], seed=seed),
        )

    @property
    def documents(self) -> dict[str, Settings]:
        """What goes into the version, by the name of its file."""
        return {ANALYSIS_FILE: self.analysis, IMPORTANCE_FILE: self.importances}

    def sentences(self) -> list[str]:
        """How the scores were calibrated, and what a yes and a set of labels mean."""
        return [self._calibrated(), *self._decided()]

    def _calibrated(self) -> str:
        found = self.calibration
        if not found.losses:
            return f"Scores are not calibrated: {found.rows:,} held-out examples were too few to choose by."
        losses = ", ".join(f"{way} {loss:.4f}" for way, loss in found.losses.items())
        return (
            f"Scores are calibrated by: {found.way}. Log loss on customers that it was not learnt from, "
            f"among {found.rows:,} held-out examples: {losses}."
        )

    def _decided(self) -> list[str]:
        analysis = self.analysis
        if analysis.threshold is None or analysis.sets is None:
            return [f"Decisions and sets were not computed: {analysis.reason}."]
        by = (
            f", for groups of {analysis.sets_by} by themselves where they are large"
            if analysis.sets_by
            else ""
        )
        return [
            f"A score of {analysis.threshold:.3f} or more counts as a yes: the best F1 on "
            f"{analysis.held_out_rows:,} held-out examples. How it falls upon the test examples is below.",
            f"Conformal sets promise to hold the true label in {analysis.sets.coverage:.0%} of cases; they "
            f"were calibrated on the same held-out examples{by}, and are measured on later ones.",
            *(f"By {attribute}: {words}." for attribute, words in analysis.remedies.items()),
        ]

    def metric_tables(self) -> list[Table]:
        """Decisions and coverage."""
        analysis = self.analysis
        decided = [[name, *numbers(metric)] for name, metric in analysis.decisions.items()]
        covered = [
            [each.group, f"{each.rows:,}", *numbers(each.coverage), f"{each.mean_size:.2f}"]
            for each in analysis.covered
        ]
        return _tables(
            (["decisions", "value", "from", "to"], decided),
            (["sets of", "examples", "coverage", "from", "to", "labels in a set"], covered),
        )

    def error_tables(self) -> list[Table]:
        """Rates by group, the groups predicted worst, the surest mistakes, and what features are worth."""
        analysis = self.analysis
        rates = [
            [attribute, rate.metric, rate.group, f"{rate.rows:,}", *_rate(rate)]
            for attribute, found in analysis.rates.items()
            for rate in (*found.rates, *found.distances)
        ]
        worst = [
            [each.slice, each.group, f"{each.rows:,}", number(each.said), number(each.happened), *excess]
            for each, excess in ((each, numbers(each.excess)) for each in analysis.worst)
        ]
        mistakes = [
            [f"{each.score:.4f}", str(each.label), f"{each.as_of:%Y-%m-%d}", _named(each.groups)]
            for each in analysis.mistakes
        ]
        return _tables(
            (["attribute", "rate", "group", "of", "value", "from", "to"], rates),
            (["slice", "group", "examples", "said", "happened", "log loss above all", "from", "to"], worst),
            (["surest mistakes", "label", "as of", "groups"], mistakes),
            (["feature", "worth its cost"], self._worth()),
        )

    def figures(self) -> list[Figure]:
        """The features by what is lost without them."""
        found = self.importances.features[:_BARS]
        bars = [Bar(label=each.feature, value=each.lost, low=each.low, high=each.high) for each in found]
        title = f"ROC-AUC lost where a feature is shuffled, {self.importances.repeats} times"
        return [Figure(title=title, bars=bars)] if bars else []

    def _worth(self) -> list[list[str]]:
        return [[each.feature, "yes" if each.worth else "no"] for each in self.importances.features]


def numbers(metric: Metric) -> list[str]:
    """A value with its interval, or why there is none."""
    if metric.value is None:
        return [f"not computed: {metric.reason}", "", ""]
    return [number(metric.value), number(metric.low), number(metric.high)]


def number(value: float | None) -> str:
    """As tables show it.

    >>> number(0.12345), number(None)
    ('0.1235', '-')
    """
    return "-" if value is None else f"{value:.4f}"


def _rate(rate: GroupRate) -> list[str]:
    if rate.value is None:
        return [f"not computed: {rate.reason}", "", ""]
    return [number(rate.value), number(rate.low), number(rate.high)]


def _named(groups: dict[str, str]) -> str:
    return ", ".join(f"{name} {group}" for name, group in groups.items())


def _tables(*found: tuple[list[str], Iterable[list[str]]]) -> list[Table]:
    return [Table(columns=columns, rows=list(rows)) for columns, rows in found if rows]
