from typing import Any

from tests.features.computing import computed
from tests.features.purchases import bought, table


def popularity(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return computed("item_popularity", interactions=table(*lines))


def test_orders_are_counted_by_window_and_customers_once():
    lines = [
        bought("ann", "bread", "2017-06-01"),
        bought("ann", "bread", "2017-05-20"),
        bought("bob", "bread", "2017-05-20"),
        bought("bob", "bread", "2017-03-10"),
    ]
    assert popularity(*lines) == [
        {
            "item_id": "bread",
            "item_orders_7d": 1,
            "item_orders_30d": 3,
            "item_orders_90d": 4,
            "item_customers_30d": 2,
        }
    ]


def test_an_item_twice_in_an_order_counts_once():
    lines = [bought("ann", "bread", "2017-06-01", order_id="1") for _ in range(2)]
    assert [row["item_orders_7d"] for row in popularity(*lines)] == [1]


def test_an_item_nobody_bought_in_ninety_days_has_no_row():
    assert popularity(bought("ann", "bread", "2017-03-01")) == []
