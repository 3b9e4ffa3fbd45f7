import numpy as np
import pytest

from attune.errors import ModelError
from attune.models.items import Items, recommend_best
from tests.models.shopping import histories

ITEMS = Items(["bread", "milk", "tea"])
SCORES = np.array([0.2, 0.9, 0.5], dtype=np.float32)


def recommended(k=2, allowed=None, *, exclude_seen=False, scores=SCORES, who=("bread@3", "milk@1")):
    def score(part):
        return np.tile(scores, (len(part), 1))

    return recommend_best(ITEMS, score, histories(ITEMS, *who), k, allowed, exclude_seen=exclude_seen)


def test_the_best_come_first_with_their_scores():
    items, scores = recommended()
    assert items.tolist() == [["milk", "tea"]] * 2
    np.testing.assert_allclose(scores, [[0.9, 0.5]] * 2)


def test_who_has_a_longer_history_is_answered_in_their_own_row():
    def score(part):
        return np.stack([np.bincount(part.rows(row, row + 1).code, minlength=3) for row in range(len(part))])

    who = histories(ITEMS, "bread@3 bread@2", "tea@9", "", "milk@1")
    items, scores = recommend_best(ITEMS, score, who, 1, None, exclude_seen=False)
    assert (items[:, 0].tolist(), scores[:, 0].tolist()) == (["bread", "tea", "bread", "milk"], [2, 1, 0, 1])


def test_a_filter_acts_before_the_best_are_taken():
    items, scores = recommended(k=2, allowed=frozenset({"bread", "tea", "caviar"}))
    assert items.tolist() == [["tea", "bread"]] * 2
    items, scores = recommended(k=2, allowed=frozenset({"bread"}))
    assert items.tolist() == [["bread", None]] * 2
    assert scores[:, 1].tolist() == [-np.inf, -np.inf]


def test_a_filter_that_allows_nothing_leaves_nothing():
    items, scores = recommended(allowed=frozenset())
    assert items.tolist() == [[None, None]] * 2
    assert (scores == -np.inf).all()


def test_what_was_bought_before_can_be_left_out():
    items, _ = recommended(exclude_seen=True)
    assert items.tolist() == [["milk", "tea"], ["tea", "bread"]]


def test_a_list_longer_than_the_catalogue_is_padded():
    items, scores = recommended(k=5)
    assert items[0].tolist() == ["milk", "tea", "bread", None, None]
    assert np.isneginf(scores[0, 3:]).all()


def test_of_equal_scores_the_first_item_comes_first():
    items, _ = recommended(k=3, scores=np.zeros(3, dtype=np.float32))
    assert items[0].tolist() == ["bread", "milk", "tea"]


def test_a_short_list_is_the_beginning_of_a_longer_one_whatever_is_tied():
    items = Items([f"item{number:03}" for number in range(200)])
    scores = np.random.default_rng(0).integers(0, 4, size=(20, 200)).astype(np.float32)
    asked = histories(items, *[""] * 20)
    lists = {
        k: recommend_best(items, lambda part: scores, asked, k, None, exclude_seen=False)[0]
        for k in (1, 10, 200)
    }
    assert lists[1].tolist() == lists[200][:, :1].tolist()
    assert lists[10].tolist() == lists[200][:, :10].tolist()


def test_no_examples_get_no_lists():
    items, scores = recommended(who=())
    assert items.shape == scores.shape == (0, 2)


def test_more_examples_than_fit_into_one_piece_are_answered_alike():
    items, _ = recommended(who=["bread@3"] * 600, exclude_seen=True)
    assert (items == np.array(["milk", "tea"], dtype=object)).all()


def test_less_than_one_recommendation_is_refused():
    with pytest.raises(ModelError, match="0 recommendations were asked for"):
        recommended(k=0)
