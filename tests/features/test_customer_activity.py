from typing import Any

import polars as pl
import pytest

from attune.features.schema import CUSTOMER_ACTIVITY
from tests.features.computing import computed
from tests.features.purchases import at, bought, items, table

GOODS = items(bread="GROCERY", soap="DRUG GM", lamp="LIGHTING")


def activity(*lines: dict[str, object]) -> dict[str, dict[str, object]]:
    """Features by customer."""
    rows = computed("customer_activity", interactions=table(*lines), items=GOODS)
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


def back(customer: str, item: str, when: str, **changes: Any) -> dict[str, Any]:
    return bought(customer, item, when, event="return", **changes)


def test_a_return_lowers_the_spend_of_its_own_window_and_nothing_else():
    lines = [
        bought("ann", "lamp", "2017-04-20", amount=40.0),
        bought("ann", "bread", "2017-06-01", amount=2.0),
    ]
    before = activity(*lines)["ann"]
    after = activity(*lines, back("ann", "lamp", "2017-05-20", amount=30.0))["ann"]
    assert (after["spend_7d"], after["spend_30d"], after["spend_90d"]) == (2.0, 0.0, 12.0)
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"spend_30d", "spend_90d"}


def test_a_return_that_was_recorded_later_is_not_known_yet():
    lines = [bought("ann", "lamp", "2017-06-01"), back("ann", "lamp", "2017-06-02", recorded="2017-06-05")]
    assert activity(*lines)["ann"]["spend_7d"] == 1.0


def test_who_only_brought_something_back_has_no_row():
    assert activity(back("ann", "lamp", "2017-06-01")) == {}


def test_a_line_delivered_twice_counts_once():
    twice = [bought("ann", "bread", "2017-06-01", interaction_id="x") for _ in range(2)]
    ann = activity(*twice)["ann"]
    assert (ann["spend_7d"], ann["basket_size_90d"]) == (1.0, 1.0)


def test_a_correction_counts_from_when_it_was_recorded():
    first = bought("ann", "bread", "2017-06-01", interaction_id="x", amount=1.0)
    known = bought("ann", "bread", "2017-06-01", interaction_id="x", amount=2.0, recorded="2017-06-03")
    later = bought("ann", "bread", "2017-06-01", interaction_id="x", amount=3.0, recorded="2017-06-05")
    assert activity(later, known, first)["ann"]["spend_7d"] == 2.0
    assert activity(later, first)["ann"]["spend_7d"] == 1.0


def test_a_purchase_that_was_cancelled_is_none():
    first = bought("ann", "bread", "2017-06-01", interaction_id="x")
    cancelled = first | {"event": "return", "created_timestamp": at("2017-06-02")}
    assert activity(first, cancelled) == {}


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
    lines = table(bought("ann", "bread", "2017-06-01"))
    (row,) = computed("customer_activity", interactions=lines, items=gifts)
    assert row["share_other_90d"] == 1.0
