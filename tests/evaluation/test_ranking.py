import numpy as np
import pandas as pd
import pytest

from attune.evaluation.accuracy import accuracy
from attune.evaluation.ranking import METRICS, NDCG, compare_recommenders, evaluate_recommender
from tests.evaluation.lists import lists


def examples(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Customers seen twice, who buy one of three items, bread more often than others."""
    draw = np.random.default_rng(seed)
    bought = draw.choice(["bread", "milk", "tea"], rows, p=[0.6, 0.3, 0.1])
    return pd.DataFrame(
        {
            "customer_id": [f"c{number // 2}" for number in range(rows)],
            "history_items": [["rice"]] * rows,
            "label": [[item] for item in bought],
            "age_band": np.where(np.arange(rows) < 20, "65+", "unknown"),
        }
    )


def test_every_metric_lies_inside_its_interval_and_slices_too_small_are_not_computed():
    table = examples()
    measured = evaluate_recommender(lists(*["bread milk"] * 300), table, replicates=200)
    assert set(measured.metrics) == set(METRICS)
    for name in ("ndcg@10", "recall@10"):
        metric = measured.metrics[name]
        assert metric.low <= metric.value <= metric.high
    found = {(part.group, part.rows): part for part in measured.slices}
    assert not found["65+", 20].computed
    assert "20 rows, fewer than the 100 needed" in found["65+", 20].reason
    assert found["unknown", 280].metric == NDCG


def test_the_better_list_is_surely_better_and_the_other_way_round():
    table = examples()
    good, bad = lists(*["bread milk"] * 300), lists(*["tea milk"] * 300)
    ahead = compare_recommenders(("good", good), ("bad", bad), table, replicates=200)
    behind = compare_recommenders(("bad", bad), ("good", good), table, replicates=200)
    assert ahead.low > 0 > behind.high
    assert ahead.mean == pytest.approx(-behind.mean)
    assert ahead.mean == pytest.approx(
        accuracy(NDCG, good, table["label"]).mean() - accuracy(NDCG, bad, table["label"]).mean()
    )


def test_a_list_does_not_differ_from_itself():
    table, same = examples(), lists(*["bread"] * 300)
    found = compare_recommenders(("a", same), ("b", same), table, "recall@10", replicates=50)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_too_few_rows_are_not_computed():
    table = examples(10)
    measured = evaluate_recommender(lists(*["bread"] * 10), table)
    assert not any(metric.computed for metric in measured.metrics.values())
    found = compare_recommenders(("a", lists(*["bread"] * 10)), ("b", lists(*["tea"] * 10)), table)
    assert not found.computed
    assert "10 rows" in found.reason
