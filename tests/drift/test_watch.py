from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from attune.adapters.evidently import EvidentlyEngine
from attune.drift.histograms import Histogram
from attune.drift.monitor import Monitor
from attune.drift.verdicts import DRIFTED, INDEX, NOT_COMPUTED, STABLE, Method, Subject
from attune.drift.watch import Rows, watch
from attune.errors import DataError

Sample = Callable[[int, int], pd.DataFrame]


class NumpyEngine:
    """The distances of a histogram in five lines: fast enough for hundreds of windows."""

    def distances(
        self, histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
    ) -> dict[str, float]:
        assert set(methods.values()) <= {INDEX}
        return {name: self._index(histogram) for name, histogram in histograms.items()}

    def _index(self, histogram: Histogram) -> float:
        bars = histogram.bars()
        reference, current = np.maximum(bars.reference, 1e-4), np.maximum(bars.current, 1e-4)
        return float(((current - reference) * np.log(current / reference)).sum())


class DeadEngine:
    def distances(
        self, histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
    ) -> dict[str, float]:
        raise DataError("the engine is out of order")


class ForgetfulEngine:
    def distances(
        self, histograms: Mapping[str, Histogram], methods: Mapping[str, Method]
    ) -> dict[str, float]:
        return {name: 0.0 for name in histograms if name != "spend_30d"}


def with_column(rows: Rows, name: str, values: object) -> Rows:
    return replace(rows, frame=rows.frame.assign(**{name: values}))


def test_windows_from_the_same_customers_are_stable(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    verdict = watch(subject, reference, current, monitor, EvidentlyEngine())
    assert verdict.word == STABLE
    assert verdict.drifted == ()
    assert len(verdict.features) == 20
    assert all(check.passed for check in verdict.checks)


def test_one_feature_of_twenty_that_moves_by_three_deviations_is_found_and_named(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    shifted = with_column(current, "spend_90d", current.frame["spend_90d"] + 3 * 0.05)
    verdict = watch(subject, reference, shifted, monitor, EvidentlyEngine())
    assert verdict.word == DRIFTED
    assert verdict.drifted == ("spend_90d",)
    assert verdict.features[0].feature == "spend_90d"
    assert verdict.sentence.startswith("1 of 20 features moved beyond their limit: spend_90d (")


def test_the_feature_that_moved_most_comes_first(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    shifted = with_column(current, "spend_7d", current.frame["spend_7d"] + 0.03)
    shifted = with_column(shifted, "orders_7d", current.frame["orders_7d"] + 0.06)
    verdict = watch(subject, reference, shifted, monitor, NumpyEngine())
    assert verdict.drifted == ("orders_7d", "spend_7d")
    ratios = [feature.ratio for feature in verdict.features]
    assert ratios == sorted(ratios, reverse=True)


def test_an_empty_column_is_never_calm_and_the_others_are_still_compared(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    verdict = watch(subject, reference, with_column(current, "spend_90d", None), monitor, EvidentlyEngine())
    assert verdict.word == NOT_COMPUTED
    assert "spend_90d (100.0% missing)" in verdict.sentence
    assert [(feature.feature, feature.distance) for feature in verdict.features[:1]] == [("spend_90d", None)]
    assert all(feature.distance is not None for feature in verdict.features[1:])


def test_drift_beside_an_empty_column_does_not_retrain_on_broken_data(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    spoilt = with_column(with_column(current, "spend_90d", None), "spend_7d", 0.9)
    assert watch(subject, reference, spoilt, monitor, NumpyEngine()).word == NOT_COMPUTED


@pytest.mark.parametrize("rows", [0, 1, 999])
def test_a_window_of_too_few_rows_is_not_computed(
    rows: int, subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    few = replace(current, frame=current.frame.head(rows))
    for verdict in (
        watch(subject, reference, few, monitor, NumpyEngine()),
        watch(subject, few, current, monitor, NumpyEngine()),
    ):
        assert verdict.word == NOT_COMPUTED
        assert f"{rows}, wanted at least 1,000" in verdict.sentence
        assert {feature.word for feature in verdict.features} == {NOT_COMPUTED}


def test_a_missing_column_is_not_computed(subject: Subject, reference: Rows, current: Rows, monitor: Monitor):
    narrower = replace(current, frame=current.frame.drop(columns="orders_30d"))
    verdict = watch(subject, reference, narrower, monitor, NumpyEngine())
    assert verdict.word == NOT_COMPUTED
    assert "orders_30d (no such column)" in verdict.sentence


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_not_computed(
    value: float, subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    values = current.frame["orders_30d"].to_numpy(copy=True)
    values[0] = value
    verdict = watch(subject, reference, with_column(current, "orders_30d", values), monitor, NumpyEngine())
    assert verdict.word == NOT_COMPUTED


def test_old_features_are_not_computed(subject: Subject, reference: Rows, monitor: Monitor):
    verdict = watch(subject, reference, reference, monitor, NumpyEngine())
    assert verdict.word == NOT_COMPUTED
    assert "91 days old" in verdict.sentence


def test_an_engine_that_fails_or_forgets_a_feature_is_never_calm(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    dead = watch(subject, reference, current, monitor, DeadEngine())
    assert dead.word == NOT_COMPUTED
    assert "out of order" in dead.sentence
    forgetful = watch(subject, reference, current, monitor, ForgetfulEngine())
    assert forgetful.word == NOT_COMPUTED
    assert "no distance for spend_30d" in forgetful.sentence


@pytest.mark.parametrize("rows", [1000, 3000])
def test_no_window_without_drift_alarms(
    rows: int, subject: Subject, reference: Rows, current: Rows, monitor: Monitor, sample: Sample
):
    words = {
        watch(subject, reference, replace(current, frame=sample(rows, seed)), monitor, NumpyEngine()).word
        for seed in range(2, 32)
    }
    assert words == {STABLE}


def test_the_same_windows_give_the_same_verdict_to_the_byte(
    subject: Subject, reference: Rows, current: Rows, monitor: Monitor
):
    first, second = (watch(subject, reference, current, monitor, EvidentlyEngine()) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()
