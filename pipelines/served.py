"""What the prediction log says of the version that serves: signals, and a report for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

import pandas as pd
import polars as pl

from attune.columns import CUSTOMER_ID, DEPARTMENT, EVENT, EVENT_TIMESTAMP, ITEM_ID, LABEL, PURCHASE
from attune.config import Workspace
from attune.data.interactions import read_interactions
from attune.data.latest import latest_moment
from attune.data.tables import read_table
from attune.drift.monitor import DecisionRules, ListRules
from attune.drift.reference import ReferenceProfile
from attune.drift.served import (
    ServedCheck,
    ServedReport,
    check_decisions,
    check_lists,
    decision_fairness,
)
from attune.governance.fairness import ATTRIBUTES
from attune.registry import Registry, Version
from attune.retraining.answers import AT, PROBABILITY, label_answers, signals_of
from attune.retraining.evidence import Signal
from attune.training.plan import ChurnLabel, TrainingPlan
from monitoring.monitors import ANSWERS, MONITORS
from serving.prediction_table import joined

KEPT = timedelta(days=90)


def answers_of(workspace: Workspace, version: Version, now: datetime) -> pl.DataFrame:
    """What a version answered in the last ninety days, each answer once, as the log has it."""
    return (
        joined(workspace.predictions)
        .filter(
            pl.col("model") == version.name,
            pl.col("model_version") == version.version,
            pl.col(AT).is_between(now - KEPT, now),
        )
        .unique("prediction_id", maintain_order=True)
    )


def scored(answers: pl.DataFrame) -> pd.DataFrame:
    """customer_id, at and probability of answers about somebody."""
    known = answers.filter(pl.col(PROBABILITY).is_not_null(), pl.col("customer").is_not_null())
    return known.select(pl.col("customer").alias(CUSTOMER_ID), AT, PROBABILITY).to_pandas()


@dataclass(frozen=True)
class Served:
    """The answers of a champion.

    Attributes:
        answers: Of the last ninety days, each once, as the log has them.
        now: By the clock.
    """

    workspace: Workspace
    champion: Version
    plan: TrainingPlan
    answers: pl.DataFrame
    now: datetime

    @classmethod
    def of(cls, workspace: Workspace, model: str, plan: TrainingPlan, now: datetime) -> Self | None:
        """Read the log; None where nothing serves, or has not answered yet."""
        champion = Registry(workspace).champion(model)
        if champion is None or not workspace.predictions.exists():
            return None
        answers = answers_of(workspace, champion, now)
        return None if answers.is_empty() else cls(workspace, champion, plan, answers, now)

    def signals(self) -> list[Signal]:
        """Scores and quality; nothing where the model gives no scores, or labels are of another kind."""
        if self._scored.empty or not isinstance(self.plan.label, ChurnLabel):
            return []
        reached = self.champion.manifest.metrics.get("roc_auc")
        rules = MONITORS[self.champion.manifest.feature_service].rules
        reference = ReferenceProfile.load(self.champion.folder)
        expected = None if reached is None else reached.value
        found = signals_of(self._scored, self._labelled, reference, expected, self.now, rules)
        return list(found)

    def report(self) -> ServedReport | None:
        """What the answers are like; None where nobody watches those of this service."""
        rules = ANSWERS.get(self.champion.manifest.feature_service)
        if isinstance(rules, ListRules):
            return self._lists(rules)
        if isinstance(rules, DecisionRules):
            return self._decisions(rules)
        return None

    def _lists(self, rules: ListRules) -> ServedReport:
        since = self.now - timedelta(days=rules.days)
        shown = self.answers.filter(pl.col("items").is_not_null(), pl.col(AT) >= since)["items"].to_list()
        # The tables are read only where something can be said.
        enough = len(shown) >= rules.min_lists
        bought, group = self._sold(rules.days) if enough else (pd.DataFrame(), pd.Series(dtype=object))
        reached = self.champion.manifest.metrics.get("coverage@10")
        checks, by_group = check_lists(
            shown, bought, group, None if reached is None else reached.value, rules
        )
        return self._report(since, len(shown), checks).model_copy(update={"exposure": tuple(by_group)})

    def _sold(self, days: int) -> tuple[pd.DataFrame, pd.Series]:
        """The purchases of the last days that are known, and the department of each item."""
        tables = self.workspace.tables
        since = latest_moment(tables) - timedelta(days=days)
        known = read_interactions(tables, [CUSTOMER_ID, ITEM_ID, EVENT, EVENT_TIMESTAMP], since=since)
        items = read_table(tables, "items", [ITEM_ID, DEPARTMENT]).astype(str)
        return known[known[EVENT] == PURCHASE], items.set_index(ITEM_ID)[DEPARTMENT]

    def _decisions(self, rules: DecisionRules) -> ServedReport:
        people = read_table(self.workspace.tables, "customers", [CUSTOMER_ID, *ATTRIBUTES])
        table = decision_fairness(self._labelled, people, rules)
        report = self._report(self.now - KEPT, len(self._scored), [check_decisions(table)])
        return report.model_copy(update={"fairness": table})

    def _report(self, first: datetime, answers: int, checks: Sequence[ServedCheck]) -> ServedReport:
        return ServedReport(
            model=self.champion.name,
            version=self.champion.version,
            at=self.now,
            first=first,
            answers=answers,
            checks=tuple(checks),
        )

    @cached_property
    def _scored(self) -> pd.DataFrame:
        """customer_id, at and probability of answers about somebody."""
        return scored(self.answers)

    @cached_property
    def _labelled(self) -> pd.DataFrame:
        """Those whose label has arrived, with it; none where labels are of another kind than churn."""
        label = self.plan.label
        if self._scored.empty or not isinstance(label, ChurnLabel):
            return self._scored.iloc[:0].assign(**{LABEL: 0})
        known = read_interactions(self.workspace.tables, [CUSTOMER_ID, EVENT_TIMESTAMP, EVENT])
        return label_answers(self._scored, known, label, known[EVENT_TIMESTAMP].max())
