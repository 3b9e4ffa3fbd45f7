from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from attune.adapters.evidently import evidently_distances
from attune.drift.histograms import number_histogram
from attune.drift.monitor import Monitor
from attune.drift.profile import NumberGrid, Numbers, profile
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import DRIFTED, INDEX, NOT_COMPUTED, STABLE, Subject, Verdict
from attune.drift.watch import Side, watch

Sample = Callable[[int, int], pd.DataFrame]
Look = Callable[[pd.DataFrame], Verdict]


@pytest.fixture
def current(sample: Sample) -> pd.DataFrame:
    return sample(2000, 1)


@pytest.fixture
def look(subject: Subject, reference: Side[ReferenceProfile], monitor: Monitor) -> Look:
    def at(rows: pd.DataFrame, last: datetime = subject.now) -> Verdict:
        return watch(subject, reference, Side(profile(rows, reference.profile.grids), last, last), monitor)

    return at


def test_windows_from_the_same_customers_are_stable(look: Look, current: pd.DataFrame):
    verdict = look(current)
    assert verdict.word == STABLE
    assert verdict.drifted == ()
    assert len(verdict.features) == 20
    assert all(check.passed for check in verdict.checks)


def test_one_feature_of_twenty_that_moves_by_three_deviations_is_found_and_named(
    look: Look, current: pd.DataFrame
):
    verdict = look(current.assign(spend_90d=current["spend_90d"] + 3 * 0.05))
    assert verdict.word == DRIFTED
    assert verdict.drifted == ("spend_90d",)
    assert verdict.features[0].feature == "spend_90d"
    assert verdict.features[0].shift == pytest.approx(3, abs=0.1)
    assert verdict.sentence.startswith("1 of 20 features moved beyond their limit: spend_90d (")


def test_the_feature_that_moved_most_comes_first(look: Look, current: pd.DataFrame):
    shifted = current.assign(spend_7d=current["spend_7d"] + 0.03, orders_7d=current["orders_7d"] + 0.06)
    verdict = look(shifted)
    assert verdict.drifted == ("orders_7d", "spend_7d")
    ratios = [feature.ratio for feature in verdict.features]
    assert ratios == sorted(ratios, reverse=True)


def test_evidently_measures_the_same_distances(
    look: Look, reference: Side[ReferenceProfile], current: pd.DataFrame
):
    shifted = current.assign(spend_7d=current["spend_7d"] + 0.03, orders_7d=current["orders_7d"] + 0.06)
    ours = {feature.feature: feature.distance for feature in look(shifted).features}
    counted = profile(shifted, reference.profile.grids)
    histograms = {}
    for name, grid in reference.profile.grids.items():
        before, after = reference.profile.columns[name], counted.columns[name]
        assert isinstance(grid, NumberGrid)
        assert isinstance(before, Numbers)
        assert isinstance(after, Numbers)
        histograms[name] = number_histogram(grid, before, after)
    assert evidently_distances(histograms, dict.fromkeys(histograms, INDEX)) == pytest.approx(ours, abs=1e-9)


def test_an_empty_column_is_never_calm_and_the_others_are_still_compared(look: Look, current: pd.DataFrame):
    verdict = look(current.assign(spend_90d=None))
    assert verdict.word == NOT_COMPUTED
    assert "spend_90d (100.0% missing)" in verdict.sentence
    assert [(feature.feature, feature.distance) for feature in verdict.features[:1]] == [("spend_90d", None)]
    assert all(feature.distance is not None for feature in verdict.features[1:])


def test_drift_beside_an_empty_column_does_not_retrain_on_broken_data(look: Look, current: pd.DataFrame):
    assert look(current.assign(spend_90d=None, spend_7d=0.9)).word == NOT_COMPUTED


@pytest.mark.parametrize("rows", [0, 1, 999])
def test_a_window_of_too_few_rows_is_not_computed(
    rows: int,
    look: Look,
    current: pd.DataFrame,
    subject: Subject,
    reference: Side[ReferenceProfile],
    monitor: Monitor,
):
    few = ReferenceProfile.of(current.head(max(rows, 1)))
    for verdict in (
        look(current.head(rows)),
        watch(subject, Side(few, subject.now, subject.now), Side(few, subject.now, subject.now), monitor),
    ):
        assert verdict.word == NOT_COMPUTED
        assert f"{verdict.current.rows}, wanted at least 1,000" in verdict.sentence
        assert {feature.word for feature in verdict.features} == {NOT_COMPUTED}


def test_a_missing_column_is_not_computed(look: Look, current: pd.DataFrame):
    verdict = look(current.drop(columns="orders_30d"))
    assert verdict.word == NOT_COMPUTED
    assert "orders_30d (no such column)" in verdict.sentence


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_not_computed(value: float, look: Look, current: pd.DataFrame):
    values = current["orders_30d"].to_numpy(copy=True)
    values[0] = value
    assert look(current.assign(orders_30d=values)).word == NOT_COMPUTED


def test_old_features_are_not_computed(subject: Subject, reference: Side[ReferenceProfile], monitor: Monitor):
    verdict = watch(subject, reference, Side(reference.profile, reference.first, reference.last), monitor)
    assert verdict.word == NOT_COMPUTED
    assert "91 days old" in verdict.sentence


@pytest.mark.parametrize("rows", [1000, 3000])
def test_no_window_without_drift_alarms(rows: int, look: Look, sample: Sample):
    assert {look(sample(rows, seed)).word for seed in range(2, 32)} == {STABLE}


def test_the_same_windows_give_the_same_verdict_to_the_byte(look: Look, current: pd.DataFrame):
    assert look(current).model_dump_json() == look(current).model_dump_json()
