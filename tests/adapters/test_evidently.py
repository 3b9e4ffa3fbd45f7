from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from attune.adapters.evidently import SAMPLE_ROWS, EvidentlyEngine
from attune.drift.histograms import Histogram, category_histogram, number_histogram
from attune.drift.verdicts import DISTANCE, INDEX

# After our adapter: only what it sets before it imports Evidently counts.
from evidently.telemetry import event_logger  # isort: skip

Floats = npt.NDArray[np.float64]


def index_by_hand(reference: Floats, current: Floats) -> float:
    """The population stability index from the raw values, as the textbook has it."""
    inner = np.sort(reference)[[len(reference) * tenth // 10 - 1 for tenth in range(1, 10)]]
    ends = np.concatenate([[-np.inf], inner, [np.inf]])
    total = 0.0
    for low, high in pairwise(ends):
        share_r = np.mean((reference > low) & (reference <= high))
        share_c = np.mean((current > low) & (current <= high))
        total += (share_c - share_r) * np.log(share_c / share_r)
    return float(total)


def distance_by_hand(reference: list[str], current: list[str]) -> float:
    """The Jensen-Shannon distance, natural logarithms."""
    names = sorted({*reference, *current})
    p = np.array([reference.count(name) / len(reference) for name in names])
    q = np.array([current.count(name) / len(current) for name in names])
    middle = (p + q) / 2
    kl = [np.sum(side[side > 0] * np.log(side[side > 0] / middle[side > 0])) for side in (p, q)]
    return float(np.sqrt(sum(kl) / 2))


def test_the_index_of_numbers_equals_the_textbook_on_the_raw_values():
    draw = np.random.default_rng(0)
    reference = draw.gamma(2, 1, size=5000)
    histograms, expected = {}, {}
    for name, shape in {"calm": 2.0, "moved": 2.4, "wild": 4.0}.items():
        current = draw.gamma(shape, 1, size=2000)
        histograms[name] = number_histogram(pd.Series(reference), pd.Series(current))
        expected[name] = index_by_hand(reference, current)
    found = EvidentlyEngine().distances(histograms, dict.fromkeys(histograms, INDEX))
    assert found == pytest.approx(expected, abs=1e-12)


def test_the_distance_of_categories_equals_the_textbook_also_with_unseen_ones():
    reference, current = ["a"] * 50 + ["b"] * 50, ["a"] * 30 + ["b"] * 50 + ["new"] * 20
    histogram = category_histogram(pd.Series(reference), pd.Series(current))
    found = EvidentlyEngine().distances({"band": histogram}, {"band": DISTANCE})
    assert found["band"] == pytest.approx(distance_by_hand(reference, current), abs=1e-12)


def test_one_far_value_does_not_blind_the_index():
    draw = np.random.default_rng(0)
    reference = pd.Series(draw.normal(size=2000))
    current = pd.Series([*(draw.normal(size=1999) + 1), 1e9])
    histogram = number_histogram(reference, current)
    assert EvidentlyEngine().distances({"spend": histogram}, {"spend": INDEX})["spend"] > 0.5


def test_hostile_names_never_reach_evidently():
    histogram = number_histogram(pd.Series([1.0, 2.0, 3.0]), pd.Series([1.0, 2.0, 3.0]))
    names = ["</script><script>alert(1)</script>", "", "target", "prediction", "a\nb"]
    found = EvidentlyEngine().distances(dict.fromkeys(names, histogram), dict.fromkeys(names, INDEX))
    assert found == dict.fromkeys(names, pytest.approx(0))


def test_a_large_window_is_measured_on_the_same_sample_every_time():
    draw = np.random.default_rng(0)
    large = Histogram(
        labels=("low", "high"),
        reference=draw.integers(0, 2, size=SAMPLE_ROWS * 3),
        current=(draw.random(SAMPLE_ROWS * 3) < 0.6).astype(np.int64),
    )
    first, second = (EvidentlyEngine().distances({"x": large}, {"x": INDEX})["x"] for _ in range(2))
    assert first == second
    whole = np.array([0.5, 0.5]), np.array([0.4, 0.6])
    assert first == pytest.approx(
        float(((whole[1] - whole[0]) * np.log(whole[1] / whole[0])).sum()), abs=0.005
    )


def test_nothing_is_reported_to_the_makers_of_evidently():
    assert not event_logger.is_enabled()
