import numpy as np
import pandas as pd
import pytest

from attune.evaluation.bootstrap import (
    cluster_weights,
    interval,
    measured,
    paired_difference,
    weighted_means,
)

CUSTOMERS = pd.Series(["ann", "bob", "ann", "cat"])


def test_rows_of_a_customer_are_drawn_together():
    weights = cluster_weights(CUSTOMERS, replicates=200, seed=1)
    assert weights.shape == (200, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_same_seed_draws_the_same_customers_and_another_seed_others():
    first, again, other = (cluster_weights(CUSTOMERS, 50, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_clustered_intervals_are_wider_than_they_would_be_if_rows_were_independent():
    values = np.repeat([0.0, 1.0] * 20, 10)
    together = cluster_weights(pd.Series(np.repeat(np.arange(40), 10)), 500, seed=0)
    apart = cluster_weights(pd.Series(np.arange(400)), 500, seed=0)
    assert np.ptp(interval(weighted_means(values, together))) > 2 * np.ptp(
        interval(weighted_means(values, apart))
    )


def test_the_interval_of_a_mean_agrees_with_the_normal_one():
    values = np.random.default_rng(0).normal(size=2000)
    low, high = interval(weighted_means(values, cluster_weights(pd.Series(np.arange(2000)), 2000)))
    half = 1.96 * values.std() / 2000**0.5
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)


def test_what_most_replicates_cannot_measure_is_not_computed():
    values = np.array([0.5] * 80 + [np.nan] * 20)
    assert interval(values) is None
    assert not measured(0.5, values).computed
    assert "too few rows" in measured(0.5, values).reason


def test_two_models_are_compared_on_the_same_draws():
    a, b = np.array([0.80, 0.85, 0.90]), np.array([0.79, 0.84, 0.89])
    difference = paired_difference("a", "b", "roc_auc", (0.85, 0.84), (a, b), level=0.9)
    assert difference.mean == pytest.approx(0.01)
    assert (difference.low, difference.high) == pytest.approx((0.01, 0.01))
    assert difference.computed
