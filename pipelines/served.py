"""What the prediction log says of the version that serves, as signals for the controller."""

from datetime import datetime, timedelta

import polars as pl

from attune.columns import CUSTOMER_ID, EVENT, EVENT_TIMESTAMP
from attune.config import Workspace
from attune.data.interactions import read_interactions
from attune.drift.reference import ReferenceProfile
from attune.registry import Registry
from attune.retraining.answers import AT, PROBABILITY, label_answers, signals_of
from attune.retraining.evidence import Signal
from attune.training.plan import ChurnLabel, TrainingPlan
from monitoring.monitors import MONITORS
from serving.prediction_table import joined

KEPT = timedelta(days=90)


def signals(workspace: Workspace, model: str, plan: TrainingPlan, now: datetime) -> list[Signal]:
    """Scores and quality of the champion's answers; nothing where it has not answered or gives no scores."""
    champion = Registry(workspace).champion(model)
    if champion is None or not isinstance(plan.label, ChurnLabel) or not workspace.predictions.exists():
        return []
    answers = (
        joined(workspace.predictions)
        .filter(
            pl.col("model") == model,
            pl.col("model_version") == champion.version,
            pl.col(PROBABILITY).is_not_null(),
            pl.col("customer").is_not_null(),
            pl.col(AT).is_between(now - KEPT, now),
        )
        .unique("prediction_id", maintain_order=True)
        .select(pl.col("customer").alias(CUSTOMER_ID), AT, PROBABILITY)
        .to_pandas()
    )
    if answers.empty:
        return []
    interactions = read_interactions(workspace.tables, [CUSTOMER_ID, EVENT_TIMESTAMP, EVENT])
    labelled = label_answers(answers, interactions, plan.label, interactions[EVENT_TIMESTAMP].max())
    reached = champion.manifest.metrics.get("roc_auc")
    rules = MONITORS[champion.manifest.feature_service].rules
    reference = ReferenceProfile.load(champion.folder)
    expected = None if reached is None else reached.value
    return list(signals_of(answers, labelled, reference, expected, now, rules))
