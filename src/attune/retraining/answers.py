"""Answers of the last weeks and what became of their customers: the signals of a model that serves."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from attune.columns import CUSTOMER_ID, LABEL
from attune.data.labels import churn_labels
from attune.drift.monitor import DriftRules
from attune.drift.reference import ReferenceProfile
from attune.retraining.evidence import Signal
from attune.retraining.signals import QualityRules, quality_signal, score_signal
from attune.training.plan import ChurnLabel

AT = "at"
PROBABILITY = "probability"
WINDOW = timedelta(days=7)


def label_answers(
    answers: pd.DataFrame, interactions: pd.DataFrame, label: ChurnLabel, known_until: datetime
) -> pd.DataFrame:
    """Join answers with what happened since; those whose time is not over yet are left out.

    Args:
        answers: customer_id, at and probability. Of a customer asked twice in a day the first counts.
        interactions: Contract table.
        label: What was predicted.
        known_until: The moment up to which interactions are known.

    Returns:
        The answers that have a label, with it.
    """
    days = answers[AT].dt.floor("D")
    once = answers.assign(day=days).drop_duplicates([CUSTOMER_ID, "day"])
    parts = [answers.iloc[:0].assign(**{LABEL: pd.Series(dtype="int8")})]
    for day, asked in once.groupby("day"):
        moment = pd.Timestamp(str(day)).to_pydatetime()
        if moment + timedelta(days=label.quiet_days) > known_until:
            continue
        labels = churn_labels(interactions, moment, label.active_days, label.quiet_days)
        active = asked[asked[CUSTOMER_ID].isin(labels.index)].drop(columns="day")
        parts.append(active.assign(**{LABEL: labels.reindex(active[CUSTOMER_ID]).to_numpy()}))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def signals_of(
    answers: pd.DataFrame,
    labelled: pd.DataFrame,
    reference: ReferenceProfile,
    expected: float | None,
    now: datetime,
    rules: DriftRules,
) -> Iterator[Signal]:
    """Scores of the last week, and quality where the version knows how good it was on its test.

    Args:
        answers: customer_id, at and probability of one version.
        labelled: Those whose label has arrived.
        reference: What the version keeps.
        expected: Its ROC-AUC on its test.
        now: By the clock.
        rules: The limits of drift.
    """
    recent = answers[answers[AT] > now - WINDOW]
    yield score_signal(reference, recent[PROBABILITY], rules)
    if expected is not None:
        scores, labels = (labelled[name].to_numpy(dtype=np.float64) for name in (PROBABILITY, LABEL))
        yield quality_signal(scores, labels, expected, QualityRules())
