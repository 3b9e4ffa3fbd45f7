import pandas as pd

from attune.data.cleaning import clean


def done(report):
    return {each.rule: each.rows for each in report["interactions"] if each.rows}


def test_each_rule_leaves_out_its_rows_and_counts_them(tables, interactions):
    rows = interactions(
        "ann bread 01-01",
        "ann bread 01-01",
        "ann bag 01-02",
        "ann ghost 01-03",
        "bob milk 01-04",
        "bob milk 01-05",
        "bob milk 01-06",
    ).assign(order_id="o", quantity=[1.0, 1, 1, 1, 0, 1, -2], amount=[1.0, 1, 1, 1, 1, 0, -5])
    rows.loc[5, "discount"] = 0.0
    items = pd.concat([tables["items"], pd.DataFrame({"item_id": ["bag"]})], ignore_index=True)
    given = {"items": items, "interactions": rows.drop(columns="interaction_id")}
    cleaned, report = clean(given, {"bags": frozenset({"bag"})}, drop_without_customer=False)
    assert done(report) == {
        "not_goods": 1,
        "missing_product": 1,
        "zero_quantity": 1,
        "zero_price": 1,
        "exact_duplicate": 1,
        "return": 1,
    }
    kept = cleaned["interactions"]
    assert list(kept["item_id"]) == ["bread", "milk"]
    assert list(kept["event"]) == ["purchase", "return"]
    assert list(kept["quantity"]) == [1.0, 2.0]
    assert list(kept["amount"]) == [1.0, 5.0]
    assert "bag" not in set(cleaned["items"]["item_id"])


def test_goods_that_an_offer_made_free_stay(tables):
    rows = tables["interactions"].assign(amount=0.0, discount=2.0)
    cleaned, report = clean({**tables, "interactions": rows}, {}, drop_without_customer=False)
    assert len(cleaned["interactions"]) == 3
    assert done(report) == {}


def test_equal_lines_with_ids_of_their_own_are_two_lines(interactions, tables):
    rows = interactions("ann bread 01-01", "ann bread 01-01").assign(order_id="o")
    cleaned, _ = clean({**tables, "interactions": rows}, {}, drop_without_customer=False)
    assert len(cleaned["interactions"]) == 2


def test_rows_without_a_customer_go_only_where_the_source_says_so(tables):
    tables["interactions"].loc[0, "customer_id"] = None
    kept, _ = clean(tables, {}, drop_without_customer=False)
    assert len(kept["interactions"]) == 3
    kept, report = clean(tables, {}, drop_without_customer=True)
    assert len(kept["interactions"]) == 2
    assert done(report) == {"without_customer": 1}
