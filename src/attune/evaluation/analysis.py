"""What a scorer's probabilities come to once somebody acts on them: for whom, how surely, and where they err.

The threshold, the sets and the remedy are chosen on held-out examples and measured on the test examples,
which lie later. Nothing here names a customer: a mistake is told by its score and the groups it belongs to.
"""

from datetime import datetime

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat

from attune.columns import AGE_BAND, CUSTOMER_ID, EVENT_TIMESTAMP, INCOME_BAND, LABEL
from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.bootstrap import LEVEL, Floats, Weights, cluster_weights, measured, weighted_means
from attune.evaluation.classification import obstacle
from attune.evaluation.conformal import EVERYBODY, ConformalSets, Names, Sets
from attune.evaluation.decisions import best_threshold, measure_decisions
from attune.evaluation.fairness import FEWEST_BELOW, GroupFairness, group_fairness
from attune.evaluation.group_thresholds import choose_group_thresholds
from attune.evaluation.results import Metric
from attune.evaluation.slices import groups

ANALYSIS_FILE = "analysis.json"
ATTRIBUTES = (AGE_BAND, INCOME_BAND)
COVERAGE = 0.9
REPLICATES = 400
FEWEST_ROWS = 100
MOST = 10  # rows of each table of errors
_SUREST = 1e-15


class Covered(Settings):
    """How often the sets of one group held the true label, and how many labels they hold."""

    group: str
    rows: int
    coverage: Metric
    mean_size: FiniteFloat


class SliceErrors(Settings):
    """How much worse one group is predicted than everybody.

    Attributes:
        said: The mean score.
        happened: The share with label 1.
        excess: Its log loss less that of everybody; more is worse.
    """

    slice: str
    group: str
    rows: int
    said: FiniteFloat
    happened: FiniteFloat
    excess: Metric


class Mistake(Settings):
    """One example of which the model was sure and wrong; groups of few customers are not named."""

    score: FiniteFloat
    label: int
    as_of: datetime
    groups: dict[str, str]


class Analysis(Settings):
    """The whole of analysis.json.

    Attributes:
        reason: Why the rest could not be computed; None where it was.
        threshold: From where on a score counts as a yes, for the best F1 on held-out examples.
        decisions: Accuracy, precision, recall and F1 of the test examples.
        rates: Attribute -> rates of its groups.
        remedies: Attribute -> what a threshold for each group would change and cost.
        sets: Which labels are possible; `sets.coverage` is the promise.
        sets_by: The attribute whose groups were calibrated by themselves, where they have rows enough.
        covered: What the sets kept of their promise, for everybody first.
        worst: The groups predicted worst, of those with at least 100 examples.
        mistakes: The examples of which the model was surest and wrong.
    """

    reason: str | None = None
    held_out_rows: int
    threshold: float | None = None
    decisions: dict[str, Metric] = Field(default_factory=dict)
    rates: dict[str, GroupFairness] = Field(default_factory=dict)
    remedies: dict[str, str] = Field(default_factory=dict)
    sets: ConformalSets | None = None
    sets_by: str | None = None
    covered: list[Covered] = Field(default_factory=list)
    worst: list[SliceErrors] = Field(default_factory=list)
    mistakes: list[Mistake] = Field(default_factory=list)


def analyse(
    held_out: tuple[pd.DataFrame, Floats],
    test: tuple[pd.DataFrame, Floats],
    level: float = LEVEL,
    seed: int = 0,
) -> Analysis:
    """Analyse one scorer.

    Args:
        held_out: Examples that did not teach it, and its scores of them; these choose.
        test: Later examples and their scores; these measure.
        level: How sure the intervals are.
        seed: The same seed draws the same customers.
    """
    for examples, _ in (held_out, test):
        reason = obstacle(_labels(examples), FEWEST_ROWS)
        if reason:
            return Analysis(reason=reason, held_out_rows=len(held_out[0]))
    (chooses, chosen_scores), (examples, scores) = held_out, test
    labels = _labels(examples)
    threshold = best_threshold(chosen_scores, _labels(chooses)).at
    yes = scores >= threshold
    attributes = [name for name in ATTRIBUTES if name in examples and name in chooses]
    weights = cluster_weights(examples[CUSTOMER_ID], REPLICATES, seed)
    sets_by = attributes[0] if attributes else None
    sets = ConformalSets.calibrate(chosen_scores, _labels(chooses), COVERAGE, _names(chooses, sets_by))
    by = _names(examples, sets_by)
    return Analysis(
        held_out_rows=len(chooses),
        threshold=threshold,
        decisions=measure_decisions(yes, labels, weights, level),
        rates={
            name: group_fairness(yes, labels, examples[name], level=level, seed=seed) for name in attributes
        },
        remedies={name: _remedy(chooses, chosen_scores, name) for name in attributes},
        sets=sets,
        sets_by=sets_by,
        covered=_covered(sets.sets(scores, by), labels, by, weights, level),
        worst=_worst(examples, scores, labels, weights, level),
        mistakes=_mistakes(examples, scores, labels),
    )


def _remedy(chooses: pd.DataFrame, scores: Floats, attribute: str) -> str:
    by = chooses[attribute].astype(str).to_numpy(dtype=object)
    try:
        return choose_group_thresholds(scores, _labels(chooses), by).sentence()
    except DataError as error:
        return f"not computed: {error}"


def _covered(sets: Sets, labels: Floats, by: Names | None, weights: Weights, level: float) -> list[Covered]:
    held = sets[np.arange(len(labels)), labels.astype(np.int64)].astype(np.float64)
    size = sets.sum(axis=1)
    named = {} if by is None else {str(name): by == name for name in np.unique(by)}
    found = []
    for group, rows in ({EVERYBODY: np.ones(len(labels), dtype=np.bool_)} | named).items():
        if rows.sum() < FEWEST_ROWS:
            coverage = Metric.not_computed(f"{rows.sum()} rows, fewer than the {FEWEST_ROWS} needed")
        else:
            drawn = weighted_means(held[rows], weights[:, rows])
            coverage = measured(float(held[rows].mean()), drawn, level)
        mean_size = float(size[rows].mean())
        found.append(Covered(group=group, rows=int(rows.sum()), coverage=coverage, mean_size=mean_size))
    return found


def _worst(
    examples: pd.DataFrame, scores: Floats, labels: Floats, weights: Weights, level: float
) -> list[SliceErrors]:
    loss = _losses(scores, labels)
    everybody = weighted_means(loss, weights)
    found = []
    for group in groups(examples):
        rows = group.rows
        if rows.sum() < FEWEST_ROWS:
            continue
        apart = weighted_means(loss[rows], weights[:, rows]) - everybody
        found.append(
            SliceErrors(
                slice=group.slice,
                group=group.name,
                rows=int(rows.sum()),
                said=float(scores[rows].mean()),
                happened=float(labels[rows].mean()),
                excess=measured(float(loss[rows].mean() - loss.mean()), apart, level),
            )
        )
    return sorted(found, key=lambda each: -(each.excess.value or 0.0))[:MOST]


def _mistakes(examples: pd.DataFrame, scores: Floats, labels: Floats) -> list[Mistake]:
    wrong = np.flatnonzero((scores >= 0.5) != (labels == 1))
    surest = wrong[np.argsort(-_losses(scores, labels)[wrong], kind="stable")][:MOST]
    large = [group for group in groups(examples) if group.rows.sum() >= FEWEST_BELOW]
    return [
        Mistake(
            score=float(scores[row]),
            label=int(labels[row]),
            as_of=examples[EVENT_TIMESTAMP].iloc[row].to_pydatetime(),
            groups={group.slice: group.name for group in large if group.rows[row]},
        )
        for row in surest
    ]


def _losses(scores: Floats, labels: Floats) -> Floats:
    losses: Floats = -np.log(np.clip(np.where(labels == 1, scores, 1 - scores), _SUREST, 1))
    return losses


def _labels(examples: pd.DataFrame) -> Floats:
    return examples[LABEL].to_numpy(dtype=np.float64)


def _names(examples: pd.DataFrame, attribute: str | None) -> Names | None:
    return None if attribute is None else examples[attribute].astype(str).to_numpy(dtype=object)
