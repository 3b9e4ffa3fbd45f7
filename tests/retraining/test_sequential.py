import numpy as np
import pytest

from attune.errors import ConfigError
from attune.retraining.sequential import always_valid_interval

LOOKS = [100 * look for look in range(1, 21)]


def test_equals_that_are_looked_at_twenty_times_are_seldom_told_apart():
    draw = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        differences = draw.normal(size=LOOKS[-1])
        ends = [always_valid_interval(differences[:rows], tightest_at=LOOKS[-1]) for rows in LOOKS]
        found += any(end is not None and end[0] > 0 for end in ends)
    assert found <= 10


def test_a_difference_is_found_and_lies_in_the_interval():
    interval = always_valid_interval(np.random.default_rng(0).normal(0.2, 1, size=5000))
    assert interval is not None
    assert 0 < interval[0] < 0.2 < interval[1]


def test_one_row_tells_nothing_and_nonsense_is_refused():
    assert always_valid_interval(np.array([1.0])) is None
    with pytest.raises(ConfigError, match="level 1"):
        always_valid_interval(np.array([1.0, 2.0]), level=1)
