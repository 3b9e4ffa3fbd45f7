import math

import numpy as np
import pytest

from attune.errors import DataError
from attune.evaluation import accuracy as measures
from attune.evaluation.accuracy import ACCURACY, accuracy, find_hits
from tests.evaluation.lists import lists


def ndcg(shown, bought):
    return measures.ndcg(find_hits(shown, bought))


def recall(shown, bought):
    return measures.recall(find_hits(shown, bought))


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


def test_the_first_hit_gives_the_reciprocal_rank_and_all_hits_the_average_precision():
    shown, bought = lists("rice milk bread tea", "rice"), [["milk", "tea"], ["tea"]]
    hits = find_hits(shown, bought)
    assert measures.reciprocal_rank(hits).tolist() == [1 / 2, 0.0]
    assert measures.average_precision(hits).tolist() == [(1 / 2 + 2 / 4) / 2, 0.0]


def plain(metric, shown, bought, k):
    """The same metric for one customer, as one would write it down."""
    wanted, seen, found = set(bought), set(), []
    for rank, item in enumerate(shown[:k], 1):
        if item in wanted and item not in seen:
            seen.add(item)
            found.append(rank)
    if not found:
        return 0.0
    if metric == "recall":
        return len(found) / len(wanted)
    if metric == "mrr":
        return 1 / found[0]
    if metric == "map":
        return sum(hit / rank for hit, rank in enumerate(found, 1)) / min(k, len(wanted))
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
    return sum(1 / math.log2(rank + 1) for rank in found) / ideal


@pytest.mark.parametrize("metric", ACCURACY)
@pytest.mark.parametrize("k", [1, 5, 20])
def test_whole_tables_are_measured_as_one_customer_after_the_other(metric, k):
    draw = np.random.default_rng(0)
    items = np.array([f"item{number}" for number in range(40)], dtype=object)
    shown = np.stack([draw.choice(items, 20) for _ in range(200)])
    shown[draw.random(shown.shape) < 0.1] = None
    bought = [draw.choice(items, draw.integers(0, 12)).tolist() for _ in range(200)]
    wanted = [plain(metric, row, targets, k) for row, targets in zip(shown, bought, strict=True)]
    np.testing.assert_allclose(accuracy(f"{metric}@{k}", shown, bought), wanted, atol=1e-12)


def test_a_metric_that_does_not_exist_and_lists_that_are_too_short_are_refused():
    with pytest.raises(DataError, match=r"no metric 'ndgc@10'; wanted is one of"):
        accuracy("ndgc@10", lists("milk"), [["milk"]])
    with pytest.raises(DataError, match=r"ndcg@50 was asked of lists of 10 items"):
        accuracy("ndcg@50", lists("milk"), [["milk"]])
