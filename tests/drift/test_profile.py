from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.drift.profile import (
    NEWCOMERS,
    Categories,
    CategoryGrid,
    NumberGrid,
    Numbers,
    Profile,
    column,
    grid_of,
    merge,
    profile,
    profile_of_batches,
)
from attune.drift.reference import ReferenceProfile
from attune.errors import DataError

NUMBERS = pd.Series([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])


def frame(seed: int, rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    spend = draw.gamma(2, 1, rows)
    spend[:: max(1, rows // 7)] = np.nan
    return pd.DataFrame({"spend": spend, "band": draw.choice(["a", "b", None], rows)})


def same(a: Profile, b: Profile) -> bool:
    """Equal in every count; moments may differ in the last digits."""
    for name, left in a.columns.items():
        right = b.columns[name]
        if isinstance(left, Numbers) and isinstance(right, Numbers):
            assert (left.mean, left.squares) == pytest.approx((right.mean, right.squares))
            right = right.model_copy(update={"mean": left.mean, "squares": left.squares})
        assert left == right
    return a.rows == b.rows


def test_what_is_counted_of_a_column_of_numbers():
    counted = column(pd.Series([0.5, np.nan, np.inf, -1.0]), grid_of(NUMBERS))
    assert isinstance(counted, Numbers)
    assert (counted.rows, counted.missing, counted.infinite) == (4, 1, 1)
    assert (counted.minimum, counted.maximum, counted.mean) == (-1.0, 0.5, -0.25)
    assert counted.deviation == pytest.approx(0.75)
    assert sum(counted.counts) == 3


def test_text_where_a_number_belongs_is_told_and_an_empty_column_is_not_text():
    assert column(pd.Series(["1", "x"]), grid_of(NUMBERS)).kind == "unreadable"
    empty = column(pd.Series([None, None]), grid_of(NUMBERS))
    assert (empty.kind, empty.missing) == ("number", 2)


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(0, 400), max_size=5))
def test_the_profile_of_parts_merged_is_that_of_the_whole(cuts: list[int]):
    whole = frame(1, 400)
    grids = ReferenceProfile.of(frame(0, 300)).grids
    ends = [0, *sorted(cuts), 400]
    parts = (whole.iloc[a:b] for a, b in pairwise(ends))
    assert same(profile_of_batches(parts, grids), profile(whole, grids))


def test_more_values_than_fit_the_cache_are_counted_alike():
    values = pd.Series(np.random.default_rng(0).normal(size=50_000))
    grid = grid_of(values.head(1000))
    counted = column(values, grid)
    assert isinstance(grid, NumberGrid)
    assert isinstance(counted, Numbers)
    by_hand = np.diff([0, *(int((values <= edge).sum()) for edge in grid.edges), len(values)])
    assert list(counted.counts) == by_hand.tolist()
    assert counted.deviation == pytest.approx(float(values.std(ddof=0)))


def test_profiles_of_other_columns_or_grids_are_not_merged():
    a = profile(pd.DataFrame({"x": NUMBERS}), {"x": grid_of(NUMBERS)})
    with pytest.raises(DataError, match="only one of two profiles has x, y"):
        merge(a, profile(pd.DataFrame({"y": NUMBERS}), {"y": grid_of(NUMBERS)}))
    with pytest.raises(DataError, match="the grid of the same reference"):
        merge(a, profile(pd.DataFrame({"x": NUMBERS}), {"x": grid_of(pd.Series([1.0, 2.0]))}))
    with pytest.raises(DataError, match="x is number in one profile and category in the other"):
        merge(a, profile(pd.DataFrame({"x": ["a"]}), {"x": grid_of(pd.Series(["a"]))}))


def test_names_without_end_are_counted_in_bounded_memory():
    grid = CategoryGrid(names=("a",))
    parts = [column(pd.Series([f"{part} {row}" for row in range(900)]), grid) for part in range(3)]
    assert all(isinstance(part, Categories) for part in parts)
    whole = parts[0].plus(parts[1]).plus(parts[2])  # type: ignore[arg-type, union-attr]
    assert isinstance(whole, Categories)
    assert len(whole.counts) == NEWCOMERS
    assert sum(whole.counts.values()) + whole.others == whole.rows == 2700


def test_a_feature_counts_for_as_much_as_the_score_follows_it():
    draw = np.random.default_rng(0)
    causes, noise = draw.normal(size=2000), draw.normal(size=2000)
    rows = pd.DataFrame(
        {"causes": causes, "noise": noise, "band": np.where(causes > 0, "high", "low"), "flat": 1.0}
    )
    weights = ReferenceProfile.of(rows.assign(score=1 / (1 + np.exp(-2 * causes)))).weights
    assert weights["causes"] == pytest.approx(1)
    assert weights["band"] > 0.8
    assert weights["noise"] < 0.1
    assert weights["flat"] == 0
    assert ReferenceProfile.of(rows).weights == {}
