from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from attune.drift.checks import check_age, check_window
from attune.drift.monitor import DriftRules, Watched
from attune.drift.profile import grid_of, profile

RULES = DriftRules(min_rows=3, max_null_share=0.25)
SPEND = Watched(name="spend", kind="number", description="Money.", minimum=0, maximum=100)
BAND = Watched(name="band", kind="category", description="Age band.")
GRIDS = {"spend": grid_of(pd.Series([1.0, 2.0, 3.0, 4.0])), "band": grid_of(pd.Series(["a", "b"]))}
NOW = datetime(2017, 10, 1, tzinfo=UTC)


def failures(frame: pd.DataFrame) -> dict[str, str]:
    checks = check_window("current", profile(frame, GRIDS), [SPEND, BAND], RULES)
    return {check.name.removeprefix("current: "): check.found for check in checks if not check.passed}


def good() -> pd.DataFrame:
    return pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0], "band": ["a", "b", "a", "b"]})


def test_sound_data_pass_every_question():
    checks = check_window("current", profile(good(), GRIDS), [SPEND, BAND], RULES)
    assert [check.passed for check in checks] == [True] * 6


@pytest.mark.parametrize(
    ("spoil", "question", "found"),
    [
        (lambda frame: frame.head(1), "enough rows", "1"),
        (lambda frame: frame.head(0), "enough rows", "0"),
        (lambda frame: frame.drop(columns="spend"), "columns present", "spend (no such column)"),
        (lambda frame: frame.assign(spend=np.nan), "values there", "spend (100.0% missing)"),
        (lambda frame: frame.assign(spend=None), "values there", "spend (100.0% missing)"),
        (lambda frame: frame.assign(band=None), "values there", "band (100.0% missing)"),
        (lambda frame: frame.assign(spend=[1, None, None, 4]), "values there", "spend (50.0% missing)"),
        (
            lambda frame: frame.assign(spend=["1", "2", "3", "x"]),
            "numbers are numbers",
            "spend (holds object)",
        ),
        (lambda frame: frame.assign(spend=[1, 2, 3, np.inf]), "finite", "spend (1 infinite)"),
        (
            lambda frame: frame.assign(spend=[1, 2, -3, 400]),
            "in range",
            "spend (values from -3 to 400, allowed 0 to 100)",
        ),
    ],
)
def test_data_that_are_not_sane_fail_the_question_that_names_them(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], question: str, found: str
):
    assert failures(spoil(good())) == {question: found}


def test_a_quarter_missing_is_still_allowed_where_the_rule_says_so():
    assert failures(good().assign(spend=[1, None, 3, 4])) == {}


def test_many_failing_features_are_counted_after_three():
    watched = [SPEND.model_copy(update={"name": f"spend_{number}"}) for number in range(5)]
    absent = next(
        check
        for check in check_window("current", profile(good(), GRIDS), watched, RULES)
        if check.name.endswith("present")
    )
    assert absent.found.endswith("and 2 more")
    assert len(absent.features) == 5


@pytest.mark.parametrize(
    ("last", "passed"),
    [
        (NOW, True),
        (NOW - timedelta(days=7), True),
        (NOW - timedelta(days=8), False),
        (NOW + timedelta(days=1), False),
    ],
)
def test_only_a_recent_window_is_current(last: datetime, passed: bool):
    assert check_age(last, NOW, max_age_days=7).passed is passed
