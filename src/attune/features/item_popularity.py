"""item_popularity: how often each item was bought lately."""

from datetime import datetime

import ibis

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
from attune.features.purchases import KNOWLEDGE, known_at, only_purchases, since
from attune.features.schema import ITEM_POPULARITY

WINDOW_DAYS = 90
CUSTOMERS_DAYS = 30
ORDERS = {7: ITEM_ORDERS_7D, 30: ITEM_ORDERS_30D, 90: ITEM_ORDERS_90D}


def prepare(interactions: ibis.Table) -> ibis.Table:
    """Take what of the purchases is looked at; it is the same for every date.

    Args:
        interactions: The contract table, with versions.
    """
    return only_purchases(interactions).select(ITEM_ID, ORDER_ID, CUSTOMER_ID, *KNOWLEDGE)


def compute(prepared: ibis.Table, as_of: datetime) -> ibis.Table:
    """Count the orders and customers of every item bought in the 90 days before a date.

    Args:
        prepared: What `prepare` made; rows that were not known at `as_of` are left out.
        as_of: In UTC.

    Returns:
        One row an item, sorted.
    """
    recent = prepared.filter(known_at(prepared, as_of) & since(prepared, as_of, WINDOW_DAYS))
    # Whoever bought in a window bought for the last time in it: one row a pair is enough for every window.
    orders = _last(recent, ORDER_ID)
    customers = _last(recent, CUSTOMER_ID)
    counted = orders.group_by(ITEM_ID).agg(
        **{name: orders.count(where=since(orders, as_of, days)) for days, name in ORDERS.items()}
    )
    people = customers.group_by(ITEM_ID).agg(
        **{ITEM_CUSTOMERS_30D: customers.count(where=since(customers, as_of, CUSTOMERS_DAYS))}
    )
    return (
        counted.inner_join(people, ITEM_ID).select(ITEM_ID, *ITEM_POPULARITY.feature_names).order_by(ITEM_ID)
    )


def _last(purchases: ibis.Table, column: str) -> ibis.Table:
    return purchases.group_by(ITEM_ID, column).agg(**{EVENT_TIMESTAMP: purchases[EVENT_TIMESTAMP].max()})
