"""The canary of a model, held against its champion by what both answered."""

from datetime import datetime

import numpy as np
import polars as pl

from attune.columns import CUSTOMER_ID, EVENT, EVENT_TIMESTAMP, LABEL
from attune.config import Workspace
from attune.data.interactions import read_interactions
from attune.registry import Registry, Version
from attune.retraining.answers import AT, PROBABILITY, label_answers
from attune.retraining.trial import Cost, Floats, TrialRules, worse
from attune.training.plan import ChurnLabel, TrainingPlan
from pipelines.served import answers_of, scored

DEGRADED = "degraded"


def canary_of(workspace: Workspace, model: str) -> Version | None:
    """The version that is tried on a share of the customers; the newest where there are several."""
    registry = Registry(workspace)
    numbers = [number for number, stage in registry.stages(model).items() if stage == "canary"]
    return registry.get(model, max(numbers)) if numbers else None


def why_to_end(workspace: Workspace, canary: Version, plan: TrainingPlan, now: datetime) -> str | None:
    """Why a canary has to go: it surely answers worse than the champion. None where it need not."""
    champion = Registry(workspace).champion(canary.name)
    if champion is None or not workspace.predictions.exists():
        return None
    trial = answers_of(workspace, canary, now)
    # Only what both answered at the same time is of customers of the same kind.
    beside = answers_of(workspace, champion, now).filter(pl.col(AT) >= trial[AT].min())
    if trial.is_empty() or beside.is_empty():
        return None
    costs = [Cost(name="degraded answers", trial=_degraded(trial), champion=_degraded(beside))]
    if isinstance(plan.label, ChurnLabel):
        known = read_interactions(workspace.tables, [CUSTOMER_ID, EVENT_TIMESTAMP, EVENT])
        until = known[EVENT_TIMESTAMP].max()
        labelled = [label_answers(scored(answers), known, plan.label, until) for answers in (trial, beside)]
        errors = [((each[PROBABILITY] - each[LABEL]) ** 2).to_numpy(dtype=np.float64) for each in labelled]
        costs.append(Cost(name="squared error", trial=errors[0], champion=errors[1]))
    return worse(costs, TrialRules())


def _degraded(answers: pl.DataFrame) -> Floats:
    return (answers[DEGRADED].list.len() > 0).cast(pl.Float64).to_numpy()
