import numpy as np
import pytest
from scipy.stats import chi2

from attune.drift.decide import Measured, chance_limit, decide, judge, limit_of
from attune.drift.histograms import Histogram
from attune.drift.monitor import DriftRules, Watched
from attune.drift.verdicts import DISTANCE, DRIFTED, INDEX, NOT_COMPUTED, STABLE, Check, FeatureVerdict, Word

RULES = DriftRules()
PASSED = Check(name="current: enough rows", found="2,000", wanted="at least 1,000", passed=True)
FAILED = Check(name="current: enough rows", found="1", wanted="at least 1,000", passed=False)


def moved(name: str, distance: float | None, word: Word) -> FeatureVerdict:
    return FeatureVerdict(
        feature=name,
        description="",
        kind="number",
        method=INDEX,
        distance=distance,
        limit=0.1,
        word=word,
    )


SPEND = moved("spend", 0.4, DRIFTED)
ORDERS = moved("orders", 0.02, STABLE)
EMPTY = moved("empty", None, NOT_COMPUTED)


@pytest.mark.parametrize(
    ("checks", "features", "word", "sentence"),
    [
        (
            [PASSED],
            [ORDERS],
            STABLE,
            "None of 1 features moved beyond its limit; the nearest is orders",
        ),
        (
            [PASSED],
            [SPEND, ORDERS],
            DRIFTED,
            "1 of 2 features moved beyond their limit: spend (0.40, limit 0.10).",
        ),
        ([FAILED], [ORDERS], NOT_COMPUTED, "current: enough rows: 1, wanted at least 1,000"),
        ([FAILED], [SPEND], NOT_COMPUTED, "nothing is retrained on them"),
        ([PASSED], [EMPTY, SPEND], NOT_COMPUTED, "no distance for empty"),
        ([PASSED], [], NOT_COMPUTED, "no distance for any feature"),
        ([], [], NOT_COMPUTED, "no distance for any feature"),
    ],
)
def test_the_verdict_follows_from_checks_and_features(
    checks: list[Check], features: list[FeatureVerdict], word: Word, sentence: str
):
    found, said = decide(checks, features)
    assert found == word
    assert sentence in said


def test_a_long_list_of_drifted_features_is_cut_in_the_sentence():
    _, sentence = decide([PASSED], [moved(f"feature_{number}", 0.5, DRIFTED) for number in range(7)])
    assert "feature_4 (0.50, limit 0.10) and 2 more." in sentence


def histogram(rows: int, bins: int) -> Histogram:
    counts = np.bincount(np.arange(rows) % bins)
    return Histogram(labels=tuple(map(str, range(bins))), reference=counts, current=counts)


def moved_by(rows: int) -> Histogram:
    """An index of 0.15 over ten bins."""
    halves = np.repeat([0.138, 0.062], 5)
    current = np.round(halves * rows).astype(np.int64)
    return Histogram(tuple("abcdefghij"), np.full(10, rows // 10), current)


def test_a_feature_may_have_a_limit_of_its_own():
    common = Watched(name="spend", kind="number", description="")
    own = common.model_copy(update={"limit": 0.3})
    apart = Histogram(("low", "high"), np.array([5000, 5000]), np.array([7150, 2850]))  # an index of 0.2
    assert limit_of(common, INDEX, RULES) == 0.1
    assert limit_of(common, DISTANCE, RULES) == 0.11
    assert limit_of(own, INDEX, RULES) == 0.3
    assert judge(common, Measured(apart), RULES, 1).word == DRIFTED
    assert judge(own, Measured(apart), RULES, 1).word == STABLE


def test_on_a_thousand_rows_the_size_of_the_effect_decides_and_on_a_hundred_chance_does():
    spend = Watched(name="spend", kind="number", description="")
    assert judge(spend, Measured(moved_by(1000)), RULES, 25).word == DRIFTED
    assert judge(spend, Measured(moved_by(100)), RULES, 25).word == STABLE


def test_more_features_raise_the_chance_limit_so_that_together_they_alarm_as_seldom():
    one, many = (chance_limit(histogram(500, 10), INDEX, RULES, features) for features in (1, 50))
    assert one < many


def test_a_single_bin_leaves_nothing_to_chance():
    assert chance_limit(histogram(500, 1), INDEX, RULES, 1) == 0


@pytest.mark.parametrize("bins", [2, 3, 6, 10, 13, 31])
def test_the_chance_limit_is_the_tail_of_a_chi_square_or_a_little_more(bins: int):
    limit = chance_limit(histogram(1000, bins), INDEX, RULES, features=20)
    exact = 2 / 1000 * chi2.ppf(1 - RULES.false_alarm / 20, bins - 1)
    assert exact <= limit <= 1.1 * exact
