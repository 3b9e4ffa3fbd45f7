"""item_popularity: how often each item was bought lately."""

from datetime import datetime, timedelta

import polars as pl

from attune.columns import (
    CUSTOMER_ID,
    EVENT_TIMESTAMP,
    ITEM_CUSTOMERS_30D,
    ITEM_ID,
    ITEM_ORDERS_7D,
    ITEM_ORDERS_30D,
    ITEM_ORDERS_90D,
    ORDER_ID,
)
from attune.features.purchases import purchases_before
from attune.features.schema import ITEM_POPULARITY

WINDOW_DAYS = 90
ORDERS = {7: ITEM_ORDERS_7D, 30: ITEM_ORDERS_30D, 90: ITEM_ORDERS_90D}


def compute(interactions: pl.LazyFrame, as_of: datetime) -> pl.DataFrame:
    """Count the orders and customers of every item bought in the 90 days before a date.

    Args:
        interactions: The contract table; rows that were not known at `as_of` are left out.
        as_of: In UTC.

    Returns:
        One row an item, sorted.
    """
    recent = purchases_before(interactions, as_of, WINDOW_DAYS)

    def distinct(column: str, days: int) -> pl.Expr:
        within = pl.col(EVENT_TIMESTAMP) >= as_of - timedelta(days=days)
        return pl.col(column).filter(within).n_unique().cast(pl.Int64)

    return (
        recent.group_by(ITEM_ID)
        .agg(
            *(distinct(ORDER_ID, days).alias(name) for days, name in ORDERS.items()),
            distinct(CUSTOMER_ID, 30).alias(ITEM_CUSTOMERS_30D),
        )
        .sort(ITEM_ID)
        .select(ITEM_ID, *ITEM_POPULARITY.feature_names)
        .collect()
    )
