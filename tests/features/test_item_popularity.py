from attune.features.item_popularity import compute
from tests.features.purchases import at, bought, table

AS_OF = at("2017-06-04")


def test_orders_are_counted_by_window_and_customers_once():
    lines = [
        bought("ann", "bread", "2017-06-01"),
        bought("ann", "bread", "2017-05-20"),
        bought("bob", "bread", "2017-05-20"),
        bought("bob", "bread", "2017-03-10"),
    ]
    rows = compute(table(*lines).lazy(), AS_OF).to_dicts()
    assert rows == [
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
    assert compute(table(*lines).lazy(), AS_OF)["item_orders_7d"].to_list() == [1]


def test_an_item_nobody_bought_in_ninety_days_has_no_row():
    assert compute(table(bought("ann", "bread", "2017-03-01")).lazy(), AS_OF).is_empty()
