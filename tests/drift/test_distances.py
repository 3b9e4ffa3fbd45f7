import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from attune.drift.distances import jensen_shannon, stability_index, wasserstein
from attune.drift.histograms import Histogram
from attune.drift.profile import NumberGrid, Numbers, column, grid_of


def moved(reference: pd.Series, current: pd.Series) -> float | None:
    grid = grid_of(reference)
    before, after = column(reference, grid), column(current, grid)
    assert isinstance(grid, NumberGrid)
    assert isinstance(before, Numbers)
    assert isinstance(after, Numbers)
    return wasserstein(grid, before, after)


def test_the_index_and_the_distance_equal_the_textbook():
    histogram = Histogram(("a", "b"), np.array([50, 50]), np.array([80, 20]))
    assert stability_index(histogram) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    assert jensen_shannon(histogram) == pytest.approx(jensenshannon([0.5, 0.5], [0.8, 0.2]))


def test_an_empty_bin_counts_as_one_in_ten_thousand():
    histogram = Histogram(("a", "b"), np.array([100, 0]), np.array([50, 50]))
    assert stability_index(histogram) == pytest.approx(-0.5 * np.log(0.5) + 0.4999 * np.log(5000))


DRAW = np.random.default_rng(0)
PAIRS = {
    "still": (DRAW.normal(size=5000), DRAW.normal(size=4000)),
    "a little": (DRAW.normal(size=5000), DRAW.normal(size=4000) + 0.1),
    "far": (DRAW.normal(size=5000), DRAW.normal(size=4000) - 1),
    "far outside": (DRAW.normal(size=5000), DRAW.normal(size=4000) + 6),
    "wider": (DRAW.normal(size=5000), 2 * DRAW.normal(size=4000)),
    "one-sided": (DRAW.gamma(1, 10, size=5000), DRAW.gamma(1, 13, size=4000)),
    "counts": (DRAW.poisson(2, size=5000).astype(float), DRAW.poisson(3, size=4000).astype(float)),
    "mostly zero": (
        DRAW.gamma(1, 10, size=5000) * (DRAW.random(5000) < 0.3),
        DRAW.gamma(1, 10, size=4000) * (DRAW.random(4000) < 0.5),
    ),
    "constant": (np.full(5000, 3.0), np.full(4000, 3.0)),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_how_far_numbers_moved_is_the_exact_distance_to_a_twentieth(pair: str):
    reference, current = PAIRS[pair]
    exact = wasserstein_distance(reference, current) / max(reference.std(), 0.001)
    assert moved(pd.Series(reference), pd.Series(current)) == pytest.approx(exact, rel=0.05, abs=0.02)


def test_without_values_nothing_has_moved_and_nothing_is_still():
    assert moved(pd.Series([1.0, 2.0]), pd.Series([np.nan])) is None
