import polars as pl

from attune.features.item_profile import compute


def test_items_are_described_and_what_nobody_described_is_unknown():
    items = pl.DataFrame(
        {"item_id": ["milk", "bread"], "department": ["DAIRY", None], "category": "c", "brand": "b"}
    )
    assert compute(items.lazy()).to_dicts() == [
        {"item_id": "bread", "department": "unknown", "category": "c", "brand": "b"},
        {"item_id": "milk", "department": "DAIRY", "category": "c", "brand": "b"},
    ]
