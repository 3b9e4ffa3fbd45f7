"""What is known of each item, for recommenders that learn from it: what it is, and what it costs."""

from datetime import datetime
from pathlib import Path

import polars as pl

from attune.columns import AMOUNT, BRAND, CATEGORY, DEPARTMENT, ITEM_ID, QUANTITY
from attune.data.interactions import read_interactions
from attune.data.tables import read_table

PRICE = "price"


def item_table(tables: Path, until: datetime) -> pl.DataFrame:
    """Department, category, brand and price of every item, also of those that nobody bought yet.

    Args:
        tables: Folder of the contract tables.
        until: The price is the median of what was paid for one before this moment; missing where nobody
            bought it.
    """
    described = pl.from_pandas(read_table(tables, "items", columns=[ITEM_ID, DEPARTMENT, CATEGORY, BRAND]))
    bought = pl.from_pandas(read_interactions(tables, [ITEM_ID, AMOUNT, QUANTITY], before=until))
    prices = bought.group_by(ITEM_ID).agg((pl.col(AMOUNT) / pl.col(QUANTITY)).median().alias(PRICE))
    words = pl.col(DEPARTMENT, CATEGORY, BRAND).cast(pl.String)
    return (
        described.with_columns(pl.col(ITEM_ID).cast(pl.String), words)
        .join(prices.with_columns(pl.col(ITEM_ID).cast(pl.String)), on=ITEM_ID, how="left")
        .sort(ITEM_ID)
    )
