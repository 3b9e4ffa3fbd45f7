from datetime import UTC, datetime, timedelta

import pytest

from attune.drift.verdicts import DRIFTED, NOT_COMPUTED, STABLE, Subject, Verdict, Window, Word
from attune.errors import ConfigError
from attune.retraining import Action, Calm, RetrainingRules, decide_retraining

NOW = datetime(2017, 12, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = RetrainingRules(cooldown_hours=24)


def verdict(word: Word) -> Verdict:
    window = Window(rows=2000, first=NOW, last=NOW)
    return Verdict(
        subject=Subject(model="churn", version=3, feature_service="churn_v1", now=NOW),
        word=word,
        sentence="1 of 20 features moved beyond their limit: spend_90d (0.40, limit 0.10).",
        reference=window,
        current=window,
        checks=(),
        features=(),
        not_watched={},
    )


@pytest.mark.parametrize(
    ("word", "calm", "action"),
    [
        (STABLE, Calm(), "nothing"),
        (NOT_COMPUTED, Calm(), "incident"),
        (DRIFTED, Calm(), "retrain"),
        (DRIFTED, Calm(running=True), "wait"),
        (DRIFTED, Calm(last_ended=NOW - 23 * HOUR), "wait"),
        (DRIFTED, Calm(last_ended=NOW - 24 * HOUR), "retrain"),
        (DRIFTED, Calm(running=True, last_ended=NOW - 90 * 24 * HOUR), "wait"),
        (NOT_COMPUTED, Calm(running=True), "incident"),
        (STABLE, Calm(last_ended=NOW), "nothing"),
    ],
)
def test_a_verdict_starts_a_run_only_when_it_says_drifted_and_the_model_is_at_rest(
    word: Word, calm: Calm, action: Action
):
    assert decide_retraining(verdict(word), calm, RULES).action == action


def test_the_cause_names_the_date_the_version_and_the_features():
    decision = decide_retraining(verdict(DRIFTED), Calm(), RULES)
    assert decision.model == "churn"
    assert decision.cause == (
        "Drift as of 2017-12-31 against version 3: "
        "1 of 20 features moved beyond their limit: spend_90d (0.40, limit 0.10)."
    )


def test_who_waits_is_told_why():
    running = decide_retraining(verdict(DRIFTED), Calm(running=True), RULES)
    assert running.cause.endswith("A retraining run is already under way.")
    resting = decide_retraining(verdict(DRIFTED), Calm(last_ended=NOW), RULES)
    assert resting.cause.endswith("rests after its last retraining until 2018-01-01 00:00.")


def test_a_negative_rest_is_refused():
    with pytest.raises(ConfigError, match="cooldown_hours"):
        RetrainingRules.parse({"cooldown_hours": -1})
