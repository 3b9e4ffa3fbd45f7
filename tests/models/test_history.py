import numpy as np
import pandas as pd
import pytest

from attune.errors import ModelError
from attune.models.history import known_purchases, orders_of, read_histories
from attune.models.items import Items
from tests.models.shopping import AS_OF, histories, shopping

ITEMS = Items(["bread", "milk", "tea"])


def test_a_history_is_read_in_codes_and_days():
    found = histories(ITEMS, "bread@9 milk@2", "", "tea@1")
    assert found.starts.tolist() == [0, 2, 2, 3]
    assert found.row.tolist() == [0, 0, 2]
    assert found.code.tolist() == [0, 1, 2]
    assert found.age.tolist() == [9.0, 2.0, 1.0]


def test_histories_can_be_taken_in_any_order():
    found = histories(ITEMS, "bread@9 milk@2", "", "tea@1").take(np.array([2, 1, 0]))
    assert found.starts.tolist() == [0, 1, 1, 3]
    assert found.row.tolist() == [0, 2, 2]
    assert found.code.tolist() == [2, 0, 1]
    assert found.age.tolist() == [1.0, 9.0, 2.0]


def test_what_was_bought_at_one_time_is_one_order():
    assert histories(ITEMS, "bread@9 milk@9 tea@2", "tea@2").order.tolist() == [0, 0, 1, 2]


def test_unknown_items_are_left_out():
    assert histories(ITEMS, "caviar@9 milk@2").code.tolist() == [1]


def test_purchases_out_of_order_are_put_in_order_and_equal_times_stay():
    assert histories(ITEMS, "milk@2 tea@9 bread@9").code.tolist() == [2, 0, 1]


def test_purchases_without_a_time_are_left_out():
    examples = shopping("bread@9 milk@2 tea@1")
    examples["history_times"] = [[np.nan, examples["history_times"][0][1], None]]
    assert read_histories(examples, ITEMS.codes).code.tolist() == [1]


def test_a_purchase_after_the_as_of_date_counts_as_just_made():
    assert histories(ITEMS, "bread@-1").age.tolist() == [0.0]


@pytest.mark.parametrize("nothing", [None, np.nan, [], np.array([])])
def test_an_absent_list_is_an_empty_history(nothing):
    examples = shopping("bread@9").assign(history_items=[nothing], history_times=[nothing])
    assert len(read_histories(examples, ITEMS.codes).code) == 0


def test_more_items_than_times_are_refused_by_number():
    examples = shopping("bread@9 milk@2").assign(history_times=[[1]])
    with pytest.raises(ModelError, match="history 0 has 2 history_items but 1 history_times"):
        read_histories(examples, ITEMS.codes)


def test_a_range_of_examples_reads_as_if_alone():
    part = histories(ITEMS, "tea@3", "bread@9 milk@2", "tea@1").rows(1, 3)
    alone = histories(ITEMS, "bread@9 milk@2", "tea@1")
    for name in ("starts", "row", "code", "age"):
        np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))


def test_a_purchase_that_several_examples_know_of_is_counted_once_and_only_the_last_label():
    earlier = shopping("bread@9 -> milk", as_of=AS_OF - pd.Timedelta(days=7))
    later = shopping("bread@16 milk@3 -> tea")
    found = known_purchases(pd.concat([later, earlier], ignore_index=True))
    assert found["item_id"].tolist() == ["bread", "milk", "tea"]
    assert orders_of(found).tolist() == [0, 1, 2]


def test_examples_without_any_purchase_know_of_none():
    assert known_purchases(shopping("", "")).empty
    assert orders_of(known_purchases(shopping(""))).tolist() == []
