"""The purchases that were known at a time."""

from datetime import datetime, timedelta

import polars as pl

from attune.columns import CREATED_TIMESTAMP, EVENT, EVENT_TIMESTAMP, PURCHASE


def purchases_before(interactions: pl.LazyFrame, as_of: datetime, days: int | None = None) -> pl.LazyFrame:
    """The purchases that were known at a time: made before it and recorded by then.

    Args:
        interactions: The contract table, or a part of it.
        as_of: In UTC; what happened at this very moment is not known yet.
        days: Only those of so many days before; all of them where None.
    """
    known = (
        (pl.col(EVENT) == PURCHASE) & (pl.col(EVENT_TIMESTAMP) < as_of) & (pl.col(CREATED_TIMESTAMP) <= as_of)
    )
    if days is not None:
        known &= pl.col(EVENT_TIMESTAMP) >= as_of - timedelta(days=days)
    return interactions.filter(known)
