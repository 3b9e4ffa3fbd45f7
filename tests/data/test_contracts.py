import pandas as pd
import pytest

from attune.data.contracts import check_references, check_table, refuse
from attune.errors import DataError


def lines(name, frame):
    return [str(found) for found in check_table(name, frame)]


@pytest.mark.parametrize("name", ["customers", "items", "interactions"])
def test_a_table_that_holds_has_no_violation(tables, name):
    assert check_table(name, tables[name]) == []


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("quantity", 0.0, "interactions.quantity: 1 row: is not above 0 (row 2), for example 0.0"),
        ("amount", -1.0, "interactions.amount: 1 row: is below 0 (row 2), for example -1.0"),
        ("amount", float("nan"), "interactions.amount: 1 row: is missing (row 2), for example nan"),
        ("discount", float("inf"), "interactions.discount: 1 row: is not finite (row 2), for example inf"),
        (
            "amount",
            1e20,
            "interactions.amount: 1 row: is not below 1,000,000,000,000, so it cannot be true (row 2), "
            "for example 1e+20",
        ),
        (
            "event",
            "sold",
            "interactions.event: 1 row: is neither purchase nor return (row 2), for example 'sold'",
        ),
        ("item_id", "", "interactions.item_id: 1 row: is empty (row 2), for example ''"),
        ("item_id", 7, "interactions.item_id: 1 row: is not text (row 2), for example 7"),
        ("item_id", None, "interactions.item_id: 1 row: is missing (row 2), for example None"),
    ],
)
def test_a_wrong_value_is_named_with_its_row(tables, column, value, said):
    table = tables["interactions"]
    table.loc[1, column] = value
    assert lines("interactions", table) == [said]


def test_a_date_in_the_future_is_named(tables):
    table = tables["interactions"]
    table.loc[0, "event_timestamp"] = pd.Timestamp("2999-01-01", tz="UTC")
    assert lines("interactions", table) == [
        "interactions.event_timestamp: 1 row: is in the future (row 1), "
        "for example '2999-01-01 00:00:00+00:00'"
    ]


def test_duplicate_keys_are_named(tables):
    table = tables["items"].assign(item_id="bread")
    assert lines("items", table) == [
        "items.item_id: 2 rows: is there more than once (row 1, 2), for example 'bread'"
    ]


def test_a_customer_id_is_never_shown(tables):
    table = pd.concat([tables["customers"]] * 2, ignore_index=True)
    found = lines("customers", table)
    assert found == ["customers.customer_id: 4 rows: is there more than once (row 1, 2, 3)"]
    known = {"customers": tables["customers"][:1], "interactions": tables["interactions"]}
    assert [str(each) for each in check_references(known)] == [
        "interactions.customer_id: 1 row: is not in the table customers (row 2)"
    ]


def test_every_missing_and_every_extra_column_is_named(tables):
    table = tables["items"].drop(columns=["brand", "category"]).assign(colour="red")
    assert sorted(lines("items", table)) == [
        "items.brand: this column is missing",
        "items.category: this column is missing",
        "items.colour: this column is not in the contract; drop it",
    ]


def test_an_id_that_no_table_has_is_named(tables):
    known = {"items": tables["items"][:1], "interactions": tables["interactions"]}
    assert [str(found) for found in check_references(known)] == [
        "interactions.item_id: 2 rows: is not in the table items (row 2, 3), for example 'milk'"
    ]


def test_refusing_lists_all_violations_and_says_that_nothing_was_written(tables):
    table = tables["interactions"].assign(quantity=0.0, amount=-1.0)
    with pytest.raises(
        DataError, match=r"(?s)2 violations in the till; nothing was written:.*quantity.*amount"
    ):
        refuse("the till", check_table("interactions", table))
    refuse("the till", [])
