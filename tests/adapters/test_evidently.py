from html import unescape
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from attune.adapters.evidently import MOST_ROWS, evidently_distances, write_analyst_report
from attune.drift.decide import Measured, judge
from attune.drift.histograms import Histogram, category_histogram, number_histogram
from attune.drift.monitor import DriftRules, Watched
from attune.drift.profile import Categories, CategoryGrid, NumberGrid, Numbers, column, grid_of
from attune.drift.verdicts import DISTANCE, INDEX, NOT_COMPUTED, Subject, Verdict, Window

# After our adapter: only what it sets before it imports Evidently counts.
from evidently.telemetry import event_logger  # isort: skip

Floats = npt.NDArray[np.float64]
NOW = pd.Timestamp("2017-10-01", tz="UTC").to_pydatetime()
HOSTILE = "</script><script>alert(1)</script>"


def histogram(reference: pd.Series, current: pd.Series) -> Histogram:
    grid = grid_of(reference)
    before, after = column(reference, grid), column(current, grid)
    if isinstance(grid, NumberGrid) and isinstance(before, Numbers) and isinstance(after, Numbers):
        return number_histogram(grid, before, after)
    assert isinstance(grid, CategoryGrid)
    assert isinstance(before, Categories)
    assert isinstance(after, Categories)
    return category_histogram(grid, before, after)


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


def test_the_index_of_numbers_equals_the_textbook_on_the_raw_values_here_and_there():
    draw = np.random.default_rng(0)
    reference = draw.gamma(2, 1, size=5000)
    histograms, expected, ours = {}, {}, {}
    for name, shape in {"calm": 2.0, "moved": 2.4, "wild": 4.0}.items():
        current = draw.gamma(shape, 1, size=2000)
        histograms[name] = histogram(pd.Series(reference), pd.Series(current))
        expected[name] = index_by_hand(reference, current)
        watched = Watched(name=name, kind="number", description="")
        ours[name] = judge(watched, Measured(histograms[name]), DriftRules(), 3).distance
    assert ours == pytest.approx(expected, abs=1e-12)
    assert evidently_distances(histograms, dict.fromkeys(histograms, INDEX)) == pytest.approx(ours, abs=1e-12)


def test_the_distance_of_categories_equals_the_textbook_also_with_unseen_ones():
    reference, current = ["a"] * 50 + ["b"] * 50, ["a"] * 30 + ["b"] * 50 + ["new"] * 20
    found = histogram(pd.Series(reference), pd.Series(current))
    expected = pytest.approx(distance_by_hand(reference, current), abs=1e-12)
    assert evidently_distances({"band": found}, {"band": DISTANCE})["band"] == expected
    watched = Watched(name="band", kind="category", description="")
    assert judge(watched, Measured(found), DriftRules(), 1).distance == expected


def test_one_far_value_does_not_blind_the_index():
    draw = np.random.default_rng(0)
    found = histogram(pd.Series(draw.normal(size=2000)), pd.Series([*(draw.normal(size=1999) + 1), 1e9]))
    assert evidently_distances({"spend": found}, {"spend": INDEX})["spend"] > 0.5


def test_hostile_names_never_reach_evidently():
    found = histogram(pd.Series([1.0, 2.0, 3.0]), pd.Series([1.0, 2.0, 3.0]))
    names = [HOSTILE, "", "target", "prediction", "a\nb"]
    distances = evidently_distances(dict.fromkeys(names, found), dict.fromkeys(names, INDEX))
    assert distances == dict.fromkeys(names, pytest.approx(0))


def test_a_large_window_is_given_to_evidently_in_fewer_rows_of_the_same_shares():
    counts = np.array([MOST_ROWS * 2, MOST_ROWS]), np.array([MOST_ROWS, MOST_ROWS])
    shares = [side / side.sum() for side in counts]
    found = evidently_distances({"x": Histogram(("low", "high"), *counts)}, {"x": INDEX})["x"]
    assert found == pytest.approx(
        float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()), abs=1e-4
    )


@pytest.fixture
def verdict() -> Verdict:
    draw = np.random.default_rng(0)
    spend = histogram(pd.Series(draw.normal(size=3000)), pd.Series(draw.normal(size=1500) + 1))
    band = histogram(pd.Series(["a", HOSTILE] * 1500), pd.Series(["a"] * 1500))
    features = [
        judge(Watched(name=name, kind=kind, description=""), found, DriftRules(), 3)
        for name, kind, found in (
            ("spend_90d", "number", Measured(spend)),
            ("age_band", "category", Measured(band)),
            ("empty", "number", None),
        )
    ]
    return Verdict(
        subject=Subject(model="churn", version=3, feature_service="churn_v1", now=NOW),
        word=NOT_COMPUTED,
        sentence="",
        reference=Window(rows=3000, first=NOW, last=NOW),
        current=Window(rows=1500, first=NOW, last=NOW),
        checks=(),
        features=tuple(features),
        not_watched={},
    )


def test_evidently_draws_what_could_be_compared_in_a_frame_that_can_do_nothing(
    verdict: Verdict, tmp_path: Path
):
    assert write_analyst_report(verdict, tmp_path / "analyst.html")
    page = (tmp_path / "analyst.html").read_text(encoding="utf-8")
    assert page.count("<script") == 0
    assert '<iframe sandbox="allow-scripts"' in page
    assert "default-src 'none'" in page
    inside = unescape(page)
    assert "spend_90d" in inside
    assert "age_band" in inside
    assert "alert(1)" not in inside


def test_a_verdict_without_any_figure_is_not_drawn(verdict: Verdict, tmp_path: Path):
    nothing = verdict.model_copy(update={"features": verdict.features[2:]})
    assert not write_analyst_report(nothing, tmp_path / "analyst.html")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_reported_to_the_makers_of_evidently():
    assert not event_logger.is_enabled()
