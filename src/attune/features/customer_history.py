"""customer_history: the last purchases of each customer, oldest first."""

from datetime import datetime

import polars as pl

from attune.columns import (
    CUSTOMER_ID,
    EVENT_TIMESTAMP,
    HISTORY_ITEMS,
    HISTORY_TIMES,
    ITEM_ID,
)
from attune.features.purchases import purchases_before
from attune.features.schema import CUSTOMER_HISTORY


def compute(interactions: pl.LazyFrame, as_of: datetime, length: int) -> pl.DataFrame:
    """Collect the last purchases of every customer who bought before a date.

    Args:
        interactions: The contract table; rows that were not known at `as_of` are left out.
        as_of: In UTC.
        length: How many purchases at most; older ones are forgotten.

    Returns:
        One row a customer, sorted; the two lists of a row are of equal length.
    """
    # Lines of one order share their time; they stay in the order of the table.
    ordered = purchases_before(interactions, as_of).sort(EVENT_TIMESTAMP, maintain_order=True)
    return (
        ordered.group_by(CUSTOMER_ID)
        .agg(
            pl.col(ITEM_ID).tail(length).alias(HISTORY_ITEMS),
            pl.col(EVENT_TIMESTAMP).tail(length).dt.epoch("s").alias(HISTORY_TIMES),
        )
        .sort(CUSTOMER_ID)
        .select(CUSTOMER_ID, *CUSTOMER_HISTORY.feature_names)
        .collect()
    )
