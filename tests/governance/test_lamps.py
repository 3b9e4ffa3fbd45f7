from datetime import UTC, datetime, timedelta

import pytest

from attune.governance.fairness import FairnessRow, FairnessTable, FairnessVerdict
from attune.governance.lamps import (
    Drift,
    Integrity,
    Lamp,
    LampRules,
    LampState,
    Quality,
    Rights,
    Said,
    all_unknown,
    answers_lamp,
    drift_lamp,
    fairness_lamp,
    integrity_lamp,
    quality_lamp,
    rights_lamp,
    word_of,
    worse_of,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULES = LampRules(look_days=7, measure_days=90, withdrawal_days=30)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def quality(low: float | None, high: float | None, **changed: object) -> Quality:
    found = Quality(
        metric="ROC-AUC", value=None if low is None else 0.8, low=low, high=high, rows=1000, min_rows=500,
        floor=0.75, at=ago(1),
    )  # fmt: skip
    return found.model_copy(update=changed)


def drift(moved: int | None, **changed: object) -> Drift:
    return Drift(version=3, moved=moved, watched=20, rows=2000, at=ago(1)).model_copy(update=changed)


def fairness(*groups: tuple[float | None, FairnessVerdict]) -> FairnessTable:
    rows = [
        FairnessRow(
            attribute="age_band", group=f"group {number}", rows=800, value=0.8, low=0.7, high=0.9, gap=gap,
            verdict=verdict,
        )
        for number, (gap, verdict) in enumerate(groups)
    ]  # fmt: skip
    return FairnessTable(metric="roc_auc", min_rows=500, max_gap=0.05, rows=rows)


def rights(withdrawn: int, first: datetime | None = None, asked: int = 100) -> Rights:
    return Rights(purpose="churn", agreed=90, asked=asked, withdrawn=withdrawn, first=first, at=NOW)


CASES: list[tuple[Lamp, LampState]] = [
    (quality_lamp(quality(0.78, 0.82), NOW, RULES), "ok"),
    (quality_lamp(quality(0.75, 0.82), NOW, RULES), "ok"),
    (quality_lamp(quality(0.74, 0.82), NOW, RULES), "warn"),
    (quality_lamp(quality(0.70, 0.74), NOW, RULES), "stop"),
    (quality_lamp(quality(None, None), NOW, RULES), "unknown"),
    (quality_lamp(quality(0.78, 0.82, floor=None), NOW, RULES), "unknown"),
    (quality_lamp(quality(0.78, 0.82, rows=499), NOW, RULES), "unknown"),
    (quality_lamp(quality(0.78, 0.82, at=ago(91)), NOW, RULES), "unknown"),
    (quality_lamp(quality(0.78, 0.82, at=ago(-1)), NOW, RULES), "unknown"),
    (quality_lamp(None, NOW, RULES), "unknown"),
    (drift_lamp(drift(0), 3, NOW, RULES), "ok"),
    (drift_lamp(drift(2), 3, NOW, RULES), "warn"),
    (drift_lamp(drift(0, paused="3 runs promoted nothing"), 3, NOW, RULES), "stop"),
    (drift_lamp(drift(None), 3, NOW, RULES), "unknown"),
    (drift_lamp(drift(0), 4, NOW, RULES), "unknown"),
    (drift_lamp(drift(0, at=ago(14.5)), 3, NOW, RULES), "ok"),
    (drift_lamp(drift(0, at=ago(15)), 3, NOW, RULES), "unknown"),
    (drift_lamp(None, 3, NOW, RULES), "unknown"),
    (fairness_lamp(fairness((0.0, "reference"), (0.01, "ok")), ago(1), NOW, RULES), "ok"),
    (fairness_lamp(fairness((0.0, "reference"), (0.06, "ok")), ago(1), NOW, RULES), "warn"),
    (fairness_lamp(fairness((0.0, "reference"), (0.06, "gap")), ago(1), NOW, RULES), "stop"),
    (fairness_lamp(fairness((0.0, "reference")), ago(1), NOW, RULES), "unknown"),
    (fairness_lamp(fairness((None, "not enough data")), ago(1), NOW, RULES), "unknown"),
    (fairness_lamp(fairness((0.0, "reference"), (0.01, "ok")), ago(91), NOW, RULES), "unknown"),
    (fairness_lamp(fairness(), ago(1), NOW, RULES), "unknown"),
    (fairness_lamp(None, ago(1), NOW, RULES), "unknown"),
    (rights_lamp(rights(0), NOW, RULES), "ok"),
    (rights_lamp(rights(2, ago(30)), NOW, RULES), "warn"),
    (rights_lamp(rights(2, ago(31)), NOW, RULES), "stop"),
    (rights_lamp(rights(0, asked=0), NOW, RULES), "unknown"),
    (rights_lamp(None, NOW, RULES), "unknown"),
    (integrity_lamp(Integrity(events=9, versions=2, problems=(), at=NOW)), "ok"),
    (integrity_lamp(Integrity(events=9, versions=2, problems=("event 3 was changed",), at=NOW)), "stop"),
    (integrity_lamp(None), "unknown"),
]


@pytest.mark.parametrize(("lamp", "state"), CASES, ids=[lamp.said.text[:60] for lamp, _ in CASES])
def test_each_figure_gives_its_state(lamp: Lamp, state: LampState):
    assert lamp.state == state
    assert lamp.said.text.endswith(".")


@pytest.mark.parametrize(("lamp", "state"), CASES)
def test_only_what_was_measured_and_held_against_a_limit_is_ok(lamp: Lamp, state: LampState):
    if lamp.state == "ok":
        assert lamp.at is not None
        assert lamp.limit is not None


def test_answers_beyond_a_limit_make_what_was_ok_warn_and_nothing_better():
    good, bad = quality_lamp(quality(0.78, 0.82), NOW, RULES), quality_lamp(quality(0.70, 0.74), NOW, RULES)
    assert answers_lamp(good, [], NOW) == good
    assert answers_lamp(good, ["Coverage", "Novelty"], NOW).said.text == (
        "Its answers are beyond a limit: Coverage, Novelty."
    )
    assert answers_lamp(bad, ["Coverage"], NOW).state == "stop"


def test_of_what_was_tested_and_what_is_served_the_worse_is_shown():
    fair = fairness_lamp(fairness((0.0, "reference"), (0.01, "ok")), ago(1), NOW, RULES)
    unfair = fairness_lamp(fairness((0.0, "reference"), (0.06, "gap")), ago(1), NOW, RULES)
    assert worse_of(fair, unfair).state == "stop"
    assert worse_of(unfair, fair).state == "stop"
    assert worse_of(fair, fairness_lamp(None, NOW, NOW, RULES)).state == "ok"


@pytest.mark.parametrize(
    ("states", "word", "by"),
    [
        (("ok", "ok", "ok", "ok", "ok"), "OK", "quality"),
        (("ok", "warn", "ok", "ok", "ok"), "LOOK", "drift"),
        (("ok", "ok", "unknown", "ok", "ok"), "LOOK", "fairness"),
        (("warn", "ok", "unknown", "ok", "ok"), "LOOK", "fairness"),
        (("unknown", "warn", "ok", "stop", "ok"), "STOP", "rights"),
        (("unknown",) * 5, "LOOK", "quality"),
    ],
)
def test_one_word_is_that_of_the_worst_lamp(states: tuple[LampState, ...], word: str, by: str):
    lamps = [
        lamp.model_copy(update={"state": state})
        for lamp, state in zip(all_unknown(Said.of("x")), states, strict=True)
    ]
    found, worst = word_of(lamps)
    assert (found, worst.name) == (word, by)


def test_text_that_comes_from_elsewhere_is_no_pattern():
    problem = "event 3 {of} {0} was changed"
    lamp = integrity_lamp(Integrity(events=9, versions=2, problems=(problem,), at=NOW))
    assert lamp.said.text == f"{problem}."
