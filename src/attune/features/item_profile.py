"""item_profile: what each item is."""

import polars as pl

from attune.columns import ITEM_ID, UNKNOWN
from attune.features.schema import ITEM_PROFILE


def compute(items: pl.LazyFrame) -> pl.DataFrame:
    """Take the description of every item.

    Args:
        items: The contract table.

    Returns:
        One row an item, sorted; "unknown" where nobody described it.
    """
    names = ITEM_PROFILE.feature_names
    return items.select(ITEM_ID, pl.col(names).cast(pl.String).fill_null(UNKNOWN)).sort(ITEM_ID).collect()
