import pandas as pd
import pytest

from attune.data.shift import switch_store_format
from attune.errors import DataError

ITEMS = pd.DataFrame({"item_id": ["bread", "leek"], "department": ["PASTRY", "PRODUCE"]})
SINCE = pd.Timestamp("2017-02-01", tz="UTC")


def shifted(table, share=1.0, **settings):
    return switch_store_format(table, ITEMS, share, SINCE, seed=0, **settings)


def test_baskets_become_rarer_and_larger_and_a_department_is_gone(interactions):
    table = interactions(
        "ann bread 01-20", "ann bread 02-02", "ann leek 02-02", "ann bread 02-10", "ann bread 02-25"
    )
    after = shifted(table)
    assert list(after["order_id"]) == ["o0", "o1", "o1", "o4"]
    assert list(after["quantity"]) == [1.0, 2.0, 2.0, 2.0]
    assert list(after["amount"]) == [2.5, 5.0, 5.0, 5.0]
    assert [f"{time:%m-%d}" for time in after["event_timestamp"]] == ["01-20", "02-02", "02-02", "02-25"]
    assert list(after["item_id"]) == ["bread"] * 4
    assert list(after.columns) == list(table.columns)


def test_only_the_chosen_customers_change_and_the_table_given_stays(interactions):
    table = interactions(*(f"c{number} bread 02-02" for number in range(300)))
    copy = table.copy()
    after = shifted(table, share=1 / 3)
    pd.testing.assert_frame_equal(table, copy)
    changed = (after["quantity"] == 2.0).sum()
    assert 70 < changed < 130
    pd.testing.assert_frame_equal(shifted(table, share=1 / 3), after)
    pd.testing.assert_frame_equal(
        shifted(table, share=0.0), table.sort_values("interaction_id", ignore_index=True)
    )


def test_a_department_that_nothing_belongs_to_is_refused(interactions):
    with pytest.raises(
        DataError, match="no item belongs to the department 'TOYS'; there are PASTRY, PRODUCE"
    ):
        shifted(interactions("ann bread 02-02"), department="TOYS")
