"""Challengers that must not serve, through measurement, comparison and the gate; and intervals of groups."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from attune.columns import AGE_BAND, CUSTOMER_ID, LABEL
from attune.evaluation.bootstrap import Floats
from attune.evaluation.classification import compare_scorers, evaluate_scorer
from attune.evaluation.comparison import ChampionResult, Comparison, TestRows, champion_title
from attune.evaluation.fairness import TRUE_POSITIVE_RATE, group_fairness
from attune.evaluation.gate import GateRules, decide

ROWS, REPLICATES = 6_000, 60
# What the gate tolerates has to be less than what it must never let pass: both are estimates.
RULES = GateRules(metric="roc_auc", max_slice_loss=0.02)
GAP = 1.2  # between the scores of both labels: ROC-AUC of 0.80
WORSE, BETTER, SLICE_WORSE = 1.09, 1.35, 0.99  # ROC-AUC of 0.78, 0.83 and 0.76
OLD, YOUNG = 2.4, 1.76  # of those who leave, the fifth with the highest scores holds 76 and 53 of 100
TITLE = champion_title(1)

Draw = np.random.Generator
Scores = tuple[Floats, Floats]


def bad_promoted(runs: int) -> int:
    """How many of `runs` challengers of each of three kinds the gate promotes."""
    return sum(
        _verdict(np.random.default_rng([number, run]), kind) == "promoted"
        for number, kind in enumerate((_worse, _worse_in_one_slice, _unfair))
        for run in range(runs)
    )


def good_promoted(runs: int) -> float:
    """The share of challengers that are better by 0.03 everywhere which the gate promotes."""
    found = [_verdict(np.random.default_rng([9, run]), _better) == "promoted" for run in range(runs)]
    return float(np.mean(found))


def interval_coverage(runs: int, rows: int = 3_000, replicates: int = 400) -> float:
    """How often the interval of a group's true positive rate holds the true one, over groups and runs."""
    rates, held = np.array([0.5, 0.6, 0.7]), []
    for run in range(runs):
        draw = np.random.default_rng([7, run])
        group, labels = draw.integers(len(rates), size=rows), (draw.random(rows) < 0.3).astype(int)
        yes = (draw.random(rows) < np.where(labels == 1, rates[group], 0.2)).astype(int)
        found = group_fairness(yes, labels, group, replicates, seed=run).rates
        held += [
            rate.low <= rates[int(rate.group)] <= rate.high
            for rate in found
            if rate.metric == TRUE_POSITIVE_RATE and rate.low is not None and rate.high is not None
        ]
    return float(np.mean(held))


def _verdict(draw: Draw, kind: Callable[[Draw, pd.DataFrame], Scores]) -> str:
    """One comparison of a challenger of a kind with a champion, on the same rows."""
    labels = (draw.random(ROWS) < 0.25).astype(int)
    examples = pd.DataFrame(
        {
            CUSTOMER_ID: np.arange(ROWS).astype(str),
            AGE_BAND: np.where(draw.random(ROWS) < 0.4, "19-24", "45-54"),
            LABEL: labels,
        }
    )
    challenger, champion = kind(draw, examples)
    # The gate asks for intervals of the difference alone, so a model's own are not drawn often.
    measured = [evaluate_scorer(scores, examples, replicates=2) for scores in (challenger, champion)]
    pair = ("challenger", challenger), (TITLE, champion)
    results = Comparison(
        model="churn",
        kind="scorer",
        metric="roc_auc",
        network="challenger",
        test=TestRows(rows=ROWS, customers=ROWS, as_of=[datetime(2017, 10, 1, tzinfo=UTC)]),
        candidates={"challenger": measured[0]},
        champion=ChampionResult(version=1, evaluation=measured[1]),
        differences=[compare_scorers(*pair, examples, "roc_auc", replicates=REPLICATES)],
    )
    return decide(results, RULES).verdict


def _scores(draw: Draw, noise: Floats, labels: Floats, gap: Floats | float) -> Floats:
    """Scores that tell the labels so well; both models err alike, and a little by themselves."""
    ours: Floats = 0.95 * noise + np.sqrt(1 - 0.95**2) * draw.normal(size=len(labels)) + gap * labels
    return ours


def _pair(draw: Draw, examples: pd.DataFrame, gap: Floats | float) -> Scores:
    noise, labels = draw.normal(size=len(examples)), examples[LABEL].to_numpy(dtype=np.float64)
    return _scores(draw, noise, labels, gap), _scores(draw, noise, labels, GAP)


def _worse(draw: Draw, examples: pd.DataFrame) -> Scores:
    return _pair(draw, examples, WORSE)


def _better(draw: Draw, examples: pd.DataFrame) -> Scores:
    return _pair(draw, examples, BETTER)


def _worse_in_one_slice(draw: Draw, examples: pd.DataFrame) -> Scores:
    """Much better for the old, and worse by 0.05 for the young."""
    young = (examples[AGE_BAND] == "19-24").to_numpy()
    return _pair(draw, examples, np.where(young, SLICE_WORSE, 1.8))


def _unfair(draw: Draw, examples: pd.DataFrame) -> Scores:
    """Better in every group, but the young who leave are found 0.70 times as often as the old."""
    young = (examples[AGE_BAND] == "19-24").to_numpy()
    return _pair(draw, examples, np.where(young, YOUNG, OLD))
