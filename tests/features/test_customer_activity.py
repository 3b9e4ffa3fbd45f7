import polars as pl
import pytest

from attune.features.customer_activity import compute
from attune.features.schema import CUSTOMER_ACTIVITY
from tests.features.purchases import at, bought, items, table

AS_OF = at("2017-06-04")
GOODS = items(bread="GROCERY", soap="DRUG GM", lamp="LIGHTING")


def activity(*lines: dict[str, object]) -> dict[str, dict[str, object]]:
    """Features by customer."""
    rows = compute(table(*lines).lazy(), GOODS.lazy(), AS_OF).to_dicts()
    return {str(row["customer_id"]): row for row in rows}


def test_recency_and_tenure_are_days_to_the_last_and_the_first_purchase():
    ann = activity(bought("ann", "bread", "2016-06-04"), bought("ann", "bread", "2017-06-02T12:00"))["ann"]
    assert (ann["recency_days"], ann["tenure_days"]) == (1.5, 365.0)


def test_a_purchase_at_the_as_of_moment_is_not_known_yet_and_one_just_before_is():
    rows = activity(bought("ann", "bread", "2017-06-04"), bought("bob", "bread", "2017-06-03T23:59:59"))
    assert list(rows) == ["bob"]


def test_a_purchase_recorded_after_the_as_of_date_is_not_known_yet():
    late = bought("ann", "bread", "2017-06-01", recorded="2017-06-05")
    assert activity(late, bought("bob", "bread", "2017-06-01")).keys() == {"bob"}


def test_a_return_is_no_purchase():
    rows = activity(
        bought("ann", "bread", "2017-06-01"), bought("ann", "bread", "2017-06-02", event="return", amount=9.0)
    )
    assert (rows["ann"]["orders_7d"], rows["ann"]["spend_7d"]) == (1, 1.0)


def test_a_window_begins_with_its_first_moment():
    rows = activity(
        bought("ann", "bread", "2017-05-28", amount=2.0), bought("ann", "bread", "2017-05-27T23:59:59")
    )
    assert (rows["ann"]["orders_7d"], rows["ann"]["orders_30d"]) == (1, 2)
    assert (rows["ann"]["spend_7d"], rows["ann"]["spend_30d"]) == (2.0, 3.0)


def test_lines_of_one_order_are_one_order():
    rows = activity(
        bought("ann", "bread", "2017-06-01", order_id="1"),
        bought("ann", "soap", "2017-06-01", order_id="1"),
        bought("ann", "bread", "2017-06-03", order_id="2"),
    )
    assert (rows["ann"]["orders_90d"], rows["ann"]["basket_size_90d"]) == (2, 1.5)
    assert rows["ann"]["days_between_orders_90d"] == 2.0


def test_shares_are_of_money_and_what_is_not_listed_is_other():
    ann = activity(
        bought("ann", "bread", "2017-06-01", amount=6.0, discount=2.0),
        bought("ann", "soap", "2017-06-01", amount=1.0),
        bought("ann", "lamp", "2017-06-01", amount=2.0),
        bought("ann", "mystery", "2017-06-01", amount=1.0),
    )["ann"]
    assert ann["discount_share_90d"] == pytest.approx(2 / 12)
    shares = {name: value for name, value in ann.items() if name.startswith("share_") and value}
    assert shares == {"share_grocery_90d": 0.6, "share_drug_gm_90d": 0.1, "share_other_90d": 0.3}


def test_who_bought_nothing_lately_has_zeros_and_the_whole_window_between_orders():
    ann = activity(bought("ann", "bread", "2016-12-01"))["ann"]
    features = {name: ann[name] for name in CUSTOMER_ACTIVITY.feature_names}
    assert None not in features.values()
    changed = {name for name, value in features.items() if value}
    assert changed == {"recency_days", "tenure_days", "days_between_orders_90d"}
    assert ann["days_between_orders_90d"] == 90.0


def test_money_adds_up_the_same_in_any_order_of_rows():
    lines = [bought("ann", "bread", "2017-06-01", amount=amount) for amount in (0.1, 0.2, 0.3, 1e6, 0.7)]
    spends = {activity(*order)["ann"]["spend_90d"] for order in (lines, lines[::-1], sorted(lines, key=str))}
    assert spends == {1000001.3}


def test_a_shop_with_other_departments_works_all_the_same():
    gifts = pl.DataFrame({"item_id": ["bread"], "department": ["unknown"]})
    rows = compute(table(bought("ann", "bread", "2017-06-01")).lazy(), gifts.lazy(), AS_OF)
    assert rows["share_other_90d"].to_list() == [1.0]
