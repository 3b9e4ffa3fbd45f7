from datetime import UTC, datetime, timedelta

import pytest

from attune.drift.verdicts import (
    DRIFTED,
    INDEX,
    NOT_COMPUTED,
    STABLE,
    FeatureVerdict,
    Subject,
    Verdict,
    Window,
    Word,
)
from attune.retraining.evidence import Signal, look_of
from attune.retraining.rules import RetrainingRules

NOW = datetime(2017, 12, 31, tzinfo=UTC)
RULES = RetrainingRules(drifted_share=0.1)


def verdict(word: Word, drifted: float = 0.0) -> Verdict:
    """Two features, of which the one that counts for so much has drifted."""
    features = tuple(
        FeatureVerdict(
            feature=name,
            description="",
            kind="number",
            method=INDEX,
            distance=0.4,
            limit=0.1,
            word=DRIFTED if name == "spend_90d" and drifted else STABLE,
            weight=weight,
        )
        for name, weight in (("spend_90d", drifted), ("orders_90d", 1 - drifted))
    )
    window = Window(rows=2000, first=NOW - timedelta(days=7), last=NOW - timedelta(days=7))
    return Verdict(
        subject=Subject(model="churn", version=3, feature_service="churn_v1", now=NOW),
        word=word,
        sentence="1 of 2 features moved beyond their limit: spend_90d (0.40, limit 0.10).",
        reference=window,
        current=window,
        checks=(),
        features=features,
        not_watched={},
    )


@pytest.mark.parametrize(
    ("word", "share", "pressure"),
    [(STABLE, 0.0, 0.0), (DRIFTED, 0.05, 0.5), (DRIFTED, 0.1, 1.0), (DRIFTED, 0.5, 5.0)],
)
def test_features_press_by_what_they_count_for(word: Word, share: float, pressure: float):
    seen = look_of(verdict(word, share), NOW, RULES)
    assert seen.pressure == pytest.approx(pressure)
    assert (seen.at, seen.version, seen.window) == (NOW, 3, NOW - timedelta(days=7))


def test_the_cause_names_the_date_the_version_and_the_features():
    assert look_of(verdict(DRIFTED, 0.5), NOW, RULES).cause == (
        "Drift as of 2017-12-31 against version 3: 1 of 2 features moved beyond their limit: spend_90d "
        "(0.40, limit 0.10). By weight they are 50% of the features, limit 10%."
    )


def test_the_strongest_signal_speaks_and_what_was_not_computed_is_silent():
    scores = Signal(name="Scores", pressure=2.0, sentence="They moved.")
    unknown = Signal(name="Quality", pressure=None, sentence="Too few labels.")
    seen = look_of(verdict(DRIFTED, 0.05), NOW, RULES, [unknown, scores])
    assert (seen.pressure, seen.cause) == (2.0, "Scores as of 2017-12-31 of version 3: They moved.")
    assert look_of(verdict(DRIFTED, 0.5), NOW, RULES, [unknown, scores]).cause.startswith("Drift as of")


def test_broken_data_are_an_incident_whatever_else_was_measured():
    scores = Signal(name="Scores", pressure=9.0, sentence="They moved.")
    assert look_of(verdict(NOT_COMPUTED, 0.5), NOW, RULES, [scores]).pressure is None
