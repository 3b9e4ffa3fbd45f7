"""Measure every candidate and the champion on the same test examples, and compare them in pairs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from attune.columns import CUSTOMER_ID
from attune.evaluation.classification import compare_scorers, evaluate_scorer
from attune.evaluation.comparison import ChampionResult, Comparison, TestRows, champion_title, metric_title
from attune.evaluation.ranking import K, compare_recommenders, evaluate_recommender
from attune.evaluation.results import Difference, Evaluation, Metric
from attune.models.catalog import Kind
from attune.progress import say


@dataclass(frozen=True)
class Test:
    """The future that models are measured on.

    Attributes:
        examples: The test examples; nobody has learnt from them.
        as_of: Their dates.
        seed: Draws the same customers for every model.
        level: How sure the intervals are.
    """

    __test__ = False  # not a test of pytest's

    examples: pd.DataFrame
    as_of: list[datetime]
    seed: int
    level: float


@dataclass(frozen=True)
class Champion:
    """The serving version: its model, or the reason why it cannot be asked about these examples."""

    version: int
    model: Any | None
    reason: str | None = None


class Judge(Protocol):
    """How models of one kind are asked, measured and compared."""

    def ask(self, model: Any) -> Any:
        """What a model says about the test examples."""

    def measure(self, answers: Any, seconds: float) -> Evaluation:
        """How good one model's answers are."""

    def compare(self, a: tuple[str, Any], b: tuple[str, Any], metric: str) -> Difference:
        """How much better the answers of a are than those of b."""


@dataclass(frozen=True)
class ScorerJudge:
    """Probabilities, against what happened."""

    test: Test

    def ask(self, model: Any) -> Any:
        """Probabilities, shape [N]."""
        return model.score(self.test.examples)

    def measure(self, answers: Any, seconds: float) -> Evaluation:
        """ROC-AUC and its kin, calibration, by slice."""
        test = self.test
        return evaluate_scorer(answers, test.examples, seconds, level=test.level, seed=test.seed)

    def compare(self, a: tuple[str, Any], b: tuple[str, Any], metric: str) -> Difference:
        """The paired difference of one metric."""
        test = self.test
        return compare_scorers(a, b, test.examples, metric, level=test.level, seed=test.seed)


@dataclass(frozen=True)
class RecommenderJudge:
    """Lists of items, against what was bought."""

    test: Test

    def ask(self, model: Any) -> Any:
        """Items, best first, shape [N, k]."""
        return model.recommend(self.test.examples, K)[0]

    def measure(self, answers: Any, seconds: float) -> Evaluation:
        """NDCG and its kin, coverage, by slice."""
        test = self.test
        return evaluate_recommender(answers, test.examples, seconds, level=test.level, seed=test.seed)

    def compare(self, a: tuple[str, Any], b: tuple[str, Any], metric: str) -> Difference:
        """The paired difference of one metric."""
        test = self.test
        return compare_recommenders(a, b, test.examples, metric, level=test.level, seed=test.seed)


JUDGES: Mapping[Kind, type[ScorerJudge] | type[RecommenderJudge]] = {
    "scorer": ScorerJudge,
    "recommender": RecommenderJudge,
}


@dataclass(frozen=True)
class Contest:
    """Who is measured, and by what.

    Attributes:
        model: The served model.
        metric: Decides; more is better.
        network: The candidate that has to beat the simple ones.
        candidates: Trained models by their catalogue name.
        champion: The version that serves, if one does.
    """

    model: str
    kind: Kind
    metric: str
    network: str
    candidates: Mapping[str, Any]
    champion: Champion | None


def evaluate(contest: Contest, test: Test) -> Comparison:
    """Measure candidates and champion on the same test examples.

    Compared in pairs, on the same rows and the same draws of customers, are the network with every simple
    model, and every candidate with the champion.
    """
    judge = JUDGES[contest.kind](test)
    answers, evaluations = {}, {}
    for name, model in contest.candidates.items():
        answers[name], evaluations[name] = _asked(judge, name, model, contest.metric)
    champion = _champion(judge, contest, answers, evaluations)
    pairs = [(contest.network, name) for name in contest.candidates if name != contest.network]
    if champion is not None:
        pairs += [(name, champion.title) for name in contest.candidates]
    return Comparison(
        model=contest.model,
        kind=contest.kind,
        metric=contest.metric,
        network=contest.network,
        test=TestRows(
            rows=len(test.examples), customers=test.examples[CUSTOMER_ID].nunique(), as_of=test.as_of
        ),
        candidates=evaluations,
        champion=champion,
        differences=[_difference(judge, contest, answers, a, b, test.level) for a, b in pairs],
    )


def _asked(judge: Judge, name: str, model: Any, metric: str) -> tuple[Any, Evaluation]:
    started = time.perf_counter()
    answers = judge.ask(model)
    evaluation = judge.measure(answers, time.perf_counter() - started)
    say(f"{name}: {metric_title(metric)} {_shown(evaluation.metrics[metric])}")
    return answers, evaluation


def _champion(
    judge: Judge, contest: Contest, answers: dict[str, Any], evaluations: Mapping[str, Evaluation]
) -> ChampionResult | None:
    champion = contest.champion
    if champion is None:
        return None
    title = champion_title(champion.version)
    if champion.model is not None:
        answers[title], evaluation = _asked(judge, f"champion, {title}", champion.model, contest.metric)
    else:
        missing = Metric.not_computed(champion.reason or "it could not be asked")
        evaluation = Evaluation(metrics=dict.fromkeys(evaluations[contest.network].metrics, missing))
        say(f"champion, {title}: {missing.reason}")
    return ChampionResult(version=champion.version, evaluation=evaluation)


def _difference(
    judge: Judge, contest: Contest, answers: Mapping[str, Any], a: str, b: str, level: float
) -> Difference:
    if b in answers:
        return judge.compare((a, answers[a]), (b, answers[b]), contest.metric)
    return Difference(a=a, b=b, metric=contest.metric, level=level, reason=f"{b} could not be measured")


def _shown(metric: Metric) -> str:
    if metric.value is None:
        return f"not computed: {metric.reason}"
    if metric.low is None:
        return f"{metric.value:.4f}"
    return f"{metric.value:.4f} ({metric.low:.4f} to {metric.high:.4f})"
