import numpy as np
import pandas as pd
import pytest

from attune.evaluation.ranking import (
    METRICS,
    NDCG,
    compare_recommenders,
    coverage,
    evaluate_recommender,
    ndcg,
    recall,
)


def lists(*rows: str) -> np.ndarray:
    """Each row ten long, padded with None."""
    return np.array([row.split() + [None] * (10 - len(row.split())) for row in rows], dtype=object)


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


def test_a_hit_counts_by_its_rank():
    shown = lists("milk bread", "bread milk", "tea rice")
    np.testing.assert_allclose(ndcg(shown, [["milk"]] * 3), [1.0, 1 / np.log2(3), 0.0])


def test_the_best_possible_list_holds_no_more_hits_than_there_are_targets():
    assert ndcg(lists("milk bread"), [["bread", "milk"]]).tolist() == [1.0]


def test_more_targets_than_places_can_still_be_perfect_but_not_in_recall():
    items = [f"item{number}" for number in range(20)]
    shown = lists(" ".join(items[:10]))
    assert ndcg(shown, [items]).tolist() == [1.0]
    assert recall(shown, [items]).tolist() == [0.5]


def test_targets_that_nobody_can_recommend_count():
    gain = 1 / np.log2([2, 3])
    np.testing.assert_allclose(ndcg(lists("milk"), [["milk", "new"]]), gain[0] / gain.sum())
    assert recall(lists("milk"), [["milk", "new"]]).tolist() == [0.5]


def test_an_item_shown_twice_or_bought_twice_counts_once():
    assert recall(lists("milk milk"), [["milk", "bread"]]).tolist() == [0.5]
    assert ndcg(lists("milk"), [["milk", "milk"]]).tolist() == [1.0]


def test_padding_hits_nothing():
    assert ndcg(lists(""), [["milk"]]).tolist() == [0.0]


def test_coverage_is_the_share_of_the_items_that_the_examples_know():
    table = pd.DataFrame({"history_items": [["bread", "milk"]], "label": [["tea", "rice"]]})
    assert coverage(lists("milk tea unheard-of"), table) == 0.5


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
    assert ahead.mean == pytest.approx(ndcg(good, table["label"]).mean() - ndcg(bad, table["label"]).mean())


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
