import numpy as np

from attune.models.history import known_purchases
from attune.models.items import Items
from attune.models.repeats import ITEM_FEATURES, REPEAT_FEATURES, SCALES_IN_DAYS, find_repeats, item_features
from tests.models.shopping import histories, shopping

ITEMS = Items(["bread", "milk", "tea"])
TIMES, NEWEST, OLDEST, GAP = (len(SCALES_IN_DAYS) + place for place in range(4))


def test_each_item_of_a_history_is_described_once():
    found = find_repeats(histories(ITEMS, "bread@20 milk@9 bread@6", "", "tea@1"))
    assert found.starts.tolist() == [0, 2, 2, 3]
    assert list(zip(found.row.tolist(), found.code.tolist(), strict=True)) == [(0, 0), (0, 1), (2, 2)]
    assert found.features.shape == (3, REPEAT_FEATURES)


def test_recency_count_and_rhythm_are_those_of_the_pair():
    bread = find_repeats(histories(ITEMS, "bread@20 milk@9 bread@6")).features[0]
    assert np.isclose(np.expm1(bread[TIMES]), 2)
    assert np.isclose(np.expm1(3 * bread[NEWEST]), 6)
    assert np.isclose(np.expm1(3 * bread[OLDEST]), 20)
    assert np.isclose(np.expm1(3 * bread[GAP]), 14)


def test_decayed_counts_are_those_of_each_time_scale():
    bread = find_repeats(histories(ITEMS, "bread@20 bread@6")).features[0]
    wanted = [np.exp(-20 / scale) + np.exp(-6 / scale) for scale in SCALES_IN_DAYS]
    np.testing.assert_allclose(np.expm1(2 * bread[: len(SCALES_IN_DAYS)]) / 4, wanted, rtol=1e-4)


def test_all_is_finite_for_no_history_one_purchase_and_equal_times():
    found = find_repeats(histories(ITEMS, "", "bread@0", "milk@3 milk@3 milk@3"))
    assert np.isfinite(found.features).all()
    assert np.isfinite(found.context).all()


def test_an_item_that_is_bought_again_and_again_is_told_from_one_that_is_not():
    purchases = known_purchases(shopping(*["bread@20 bread@13 bread@6 tea@9 -> bread"] * 30, "tea@3 -> tea"))
    found = item_features(purchases, ITEMS.codes(purchases["item_id"]), len(ITEMS))
    assert found.shape == (3, ITEM_FEATURES)
    assert np.isfinite(found).all()
    again = found[:, 1]
    assert again[0] > again[2]
