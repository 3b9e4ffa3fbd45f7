import numpy as np
import pandas as pd
import pytest

from attune.drift.histograms import CATEGORIES, Histogram, category_histogram, number_histogram


def shares(histogram: Histogram) -> dict[str, tuple[float, float]]:
    bars = histogram.bars()
    return dict(zip(bars.labels, zip(bars.reference, bars.current, strict=True), strict=True))


def test_numbers_are_sorted_into_tenths_of_the_reference_whatever_the_current_window_holds():
    reference = pd.Series(np.linspace(0, 1, 1001))
    calm = number_histogram(reference, reference)
    wild = number_histogram(reference, pd.Series([1e12, -1e12]))
    assert calm.labels == wild.labels
    assert np.bincount(calm.reference) == pytest.approx(np.full(10, 100), abs=2)
    assert wild.current.tolist() == [9, 0]


def test_a_value_that_many_have_gets_a_bin_of_its_own():
    histogram = number_histogram(pd.Series([0.0] * 60 + [0.5] * 40), pd.Series([0.0, 0.25, 0.5, 0.75]))
    assert shares(histogram) == {
        "0": (0.6, 0.25),
        "0 to 0.5": (0.0, 0.25),
        "0.5": (0.4, 0.25),
        "over 0.5": (0.0, 0.25),
    }


def test_a_constant_reference_tells_less_from_more():
    histogram = number_histogram(pd.Series([5.0] * 10), pd.Series([4.0, 5.0, 6.0, 6.0]))
    assert shares(histogram) == {"under 5": (0.0, 0.25), "5": (1.0, 0.25), "over 5": (0.0, 0.5)}


def test_whole_numbers_are_named_by_the_numbers_that_can_occur():
    reference = pd.Series(np.repeat(np.arange(1, 21), 10))
    assert number_histogram(reference, reference).labels[:3] == ("up to 2", "3 to 4", "5 to 6")


def test_missing_values_are_counted_as_such():
    assert shares(number_histogram(pd.Series([1.0, 2.0]), pd.Series([1.0, None])))["missing"] == (0.0, 0.5)
    assert shares(category_histogram(pd.Series(["a", "b"]), pd.Series(["a", None])))["missing"] == (0.0, 0.5)


def test_a_category_called_missing_is_not_taken_for_one_that_is():
    histogram = category_histogram(pd.Series(["missing", "a"]), pd.Series(["missing", None]))
    assert histogram.current.tolist() == [1, 2]


def test_categories_come_by_how_frequent_they_are_and_new_ones_last():
    histogram = category_histogram(pd.Series(["a", "b", "b"]), pd.Series(["new", "a"]))
    assert histogram.labels == ("b", "a", "new")


def test_rare_categories_are_counted_together():
    reference = pd.Series([f"common {number}" for number in range(CATEGORIES)] * 2 + ["rare 1", "rare 2"])
    histogram = category_histogram(reference, reference)
    assert len(histogram.labels) == CATEGORIES + 1
    assert shares(histogram)["every other"][0] == pytest.approx(2 / 62)


def test_a_long_category_is_shortened_for_the_eye():
    histogram = category_histogram(pd.Series(["x" * 1000]), pd.Series(["x" * 1000]))
    assert histogram.labels == ("x" * 47 + "…",)


def test_flags_and_counts_are_numbers_too():
    assert number_histogram(pd.Series([True, False]), pd.Series([True])).bars().current == (0.0, 1.0)
    assert number_histogram(pd.Series([1, 2], dtype="Int64"), pd.Series([None, 1], dtype="Int64")).labels
