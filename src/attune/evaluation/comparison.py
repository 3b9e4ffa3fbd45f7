"""Candidates and champion measured on the same examples: what evaluation.json holds and the gate reads."""

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from attune.config import Settings
from attune.evaluation.results import Difference, Evaluation, Metric

_TITLES = {"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "ndcg@10": "NDCG@10", "ece": "ECE"}


class TestRows(Settings):
    """What the models were measured on."""

    __test__ = False  # not a test of pytest's

    rows: int = Field(ge=0)
    customers: int = Field(ge=0)
    as_of: list[datetime]


class ChampionResult(Settings):
    """The champion at the time, measured on the same rows."""

    version: int
    evaluation: Evaluation

    @property
    def title(self) -> str:
        """How differences and sentences call it."""
        return champion_title(self.version)


class Comparison(Settings):
    """The whole of evaluation.json."""

    model: str
    kind: Literal["scorer", "recommender"]
    metric: str = Field(description="the metric that decides; more is better")
    network: str = Field(description="the candidate that has to beat the simple ones")
    test: TestRows
    candidates: dict[str, Evaluation]
    champion: ChampionResult | None
    differences: list[Difference]

    @model_validator(mode="after")
    def _everybody_has_the_metric(self) -> "Comparison":
        everybody = [*self.candidates.values(), *([self.champion.evaluation] if self.champion else [])]
        if any(self.metric not in evaluation.metrics for evaluation in everybody):
            raise ValueError(f"{self.metric} decides, but was not measured for every model")
        return self

    def measured(self, candidate: str) -> Metric:
        """The deciding metric of a candidate."""
        return self.candidates[candidate].metrics[self.metric]

    def difference(self, a: str, b: str) -> Difference:
        """How much better one is than another, by the deciding metric; both were compared as a pair."""
        return next(
            found for found in self.differences if (found.a, found.b, found.metric) == (a, b, self.metric)
        )


def champion_title(version: int) -> str:
    """How a comparison calls the champion.

    >>> champion_title(3)
    'version 3'
    """
    return f"version {version}"


def metric_title(metric: str) -> str:
    """How people write a metric.

    >>> metric_title("ndcg@10"), metric_title("log_loss")
    ('NDCG@10', 'log_loss')
    """
    return _TITLES.get(metric, metric)
