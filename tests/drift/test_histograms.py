import numpy as np
import pandas as pd
import pytest

from attune.drift.histograms import Histogram, category_histogram, number_histogram
from attune.drift.profile import CATEGORIES, Categories, CategoryGrid, NumberGrid, Numbers, column, grid_of


def lay(reference: pd.Series, current: pd.Series) -> Histogram:
    grid = grid_of(reference)
    before, after = column(reference, grid), column(current, grid)
    if isinstance(grid, NumberGrid):
        assert isinstance(before, Numbers)
        assert isinstance(after, Numbers)
        return number_histogram(grid, before, after)
    assert isinstance(grid, CategoryGrid)
    assert isinstance(before, Categories)
    assert isinstance(after, Categories)
    return category_histogram(grid, before, after)


def shares(histogram: Histogram) -> dict[str, tuple[float, float]]:
    bars = histogram.bars()
    return dict(zip(bars.labels, zip(bars.reference, bars.current, strict=True), strict=True))


def test_numbers_are_sorted_into_tenths_of_the_reference_whatever_the_current_window_holds():
    reference = pd.Series(np.linspace(0, 1, 1001))
    calm = lay(reference, reference)
    wild = lay(reference, pd.Series([1e12, -1e12]))
    assert calm.labels == wild.labels
    assert calm.reference == pytest.approx(np.full(10, 100), abs=2)
    assert wild.current.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]


def test_a_value_that_many_have_gets_a_bin_of_its_own():
    histogram = lay(pd.Series([0.0] * 60 + [0.5] * 40), pd.Series([0.0, 0.25, 0.5, 0.75]))
    assert shares(histogram) == {
        "0": (0.6, 0.25),
        "0 to 0.5": (0.0, 0.25),
        "0.5": (0.4, 0.25),
        "over 0.5": (0.0, 0.25),
    }


def test_a_constant_reference_tells_less_from_more():
    histogram = lay(pd.Series([5.0] * 10), pd.Series([4.0, 5.0, 6.0, 6.0]))
    assert shares(histogram) == {"under 5": (0.0, 0.25), "5": (1.0, 0.25), "over 5": (0.0, 0.5)}


def test_whole_numbers_are_named_by_the_numbers_that_can_occur():
    reference = pd.Series(np.repeat(np.arange(1, 21), 10))
    assert lay(reference, reference).labels[:3] == ("up to 2", "3 to 4", "5 to 6")


def test_missing_values_are_counted_as_such():
    assert shares(lay(pd.Series([1.0, 2.0]), pd.Series([1.0, None])))["missing"] == (0.0, 0.5)
    assert shares(lay(pd.Series(["a", "b"]), pd.Series(["a", None])))["missing"] == (0.0, 0.5)


def test_a_category_called_missing_is_not_taken_for_one_that_is():
    assert lay(pd.Series(["missing", "a"]), pd.Series(["missing", None])).current.tolist() == [0, 1, 1]


def test_categories_come_by_how_frequent_they_are_and_new_ones_last():
    assert lay(pd.Series(["a", "b", "b"]), pd.Series(["new", "a"])).labels == ("b", "a", "new")


def test_rare_categories_are_counted_together():
    reference = pd.Series([f"common {number}" for number in range(CATEGORIES)] * 2 + ["rare 1", "rare 2"])
    histogram = lay(reference, pd.Series(["common 1"]))
    assert len(histogram.labels) == CATEGORIES + 1
    assert shares(histogram)["every other"][0] == pytest.approx(2 / 62)


def test_a_long_category_is_shortened_for_the_eye():
    assert lay(pd.Series(["x" * 1000]), pd.Series(["x" * 1000])).labels == ("x" * 47 + "…",)


def test_flags_and_counts_are_numbers_too():
    assert lay(pd.Series([True, False]), pd.Series([True])).bars().current == (0.0, 1.0)
    assert lay(pd.Series([1, 2], dtype="Int64"), pd.Series([None, 1], dtype="Int64")).labels


def test_a_reference_without_any_value_has_one_bin():
    assert lay(pd.Series([np.nan, np.nan]), pd.Series([1.0, np.nan])).labels == ("any", "missing")
