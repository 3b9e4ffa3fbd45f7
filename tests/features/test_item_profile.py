import polars as pl

from tests.features.computing import computed


def test_items_are_described_and_what_nobody_described_is_unknown():
    items = pl.DataFrame(
        {"item_id": ["milk", "bread"], "department": ["DAIRY", None], "category": "c", "brand": "b"}
    )
    assert computed("item_profile", items=items) == [
        {"item_id": "bread", "department": "unknown", "category": "c", "brand": "b"},
        {"item_id": "milk", "department": "DAIRY", "category": "c", "brand": "b"},
    ]
