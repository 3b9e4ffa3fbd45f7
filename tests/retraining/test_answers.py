from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT, EVENT_TIMESTAMP, LABEL
from attune.drift.monitor import DriftRules
from attune.drift.reference import ReferenceProfile
from attune.retraining.answers import label_answers, signals_of
from attune.training.plan import ChurnLabel

SUNDAY = datetime(2017, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = ChurnLabel(active_days=90, quiet_days=28)


def bought(*purchases: tuple[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            CUSTOMER_ID: [customer for customer, _ in purchases],
            EVENT_TIMESTAMP: pd.to_datetime([SUNDAY + day * DAY for _, day in purchases]),
            EVENT: "purchase",
        }
    )


def answered(*answers: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            CUSTOMER_ID: [customer for customer, _, _ in answers],
            "at": pd.to_datetime([SUNDAY + day * DAY for _, day, _ in answers]),
            "probability": [probability for _, _, probability in answers],
        }
    )


def test_an_answer_is_joined_with_what_its_customer_did_once_the_month_is_over():
    interactions = bought(("ann", -5), ("bob", -5), ("cid", -200), ("ann", 10), ("bob", 40))
    answers = answered(
        ("ann", 0.5, 0.2), ("bob", 0.5, 0.9), ("bob", 0.6, 0.1), ("cid", 0.5, 0.5), ("ann", 30, 0.3)
    )
    labelled = label_answers(answers, interactions, MONTH, SUNDAY + 40 * DAY)
    found = labelled[[CUSTOMER_ID, "probability", LABEL]].to_numpy().tolist()
    assert found == [["ann", 0.2, 0], ["bob", 0.9, 1]]


def test_while_no_month_is_over_there_is_no_label():
    labelled = label_answers(answered(("ann", 0, 0.2)), bought(("ann", -5)), MONTH, SUNDAY + 27 * DAY)
    assert (len(labelled), LABEL in labelled) == (0, True)


def test_scores_of_the_last_week_and_all_labels_become_signals():
    draw = np.random.default_rng(0)
    reference = ReferenceProfile.of(pd.DataFrame({"score": draw.beta(2, 5, 3000)}))
    recent = answered(*(("ann", 0.0, probability) for probability in draw.beta(5, 2, 1500)))
    older = answered(*(("bob", -9.0, 0.5) for _ in range(1500)))
    labelled = older.assign(**{LABEL: np.int8(0)})
    scores, quality = signals_of(
        pd.concat([older, recent]), labelled, reference, 0.8, SUNDAY + DAY, DriftRules()
    )
    assert scores.pressure is not None
    assert scores.pressure > 1
    assert "1,500 answers" in scores.sentence
    assert quality.pressure is None
    unknown = list(signals_of(recent, labelled, reference, None, SUNDAY + DAY, DriftRules()))
    assert [signal.name for signal in unknown] == ["Scores"]
