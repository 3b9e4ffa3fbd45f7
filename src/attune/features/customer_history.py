"""customer_history: the last purchases of each customer, oldest first."""

from datetime import datetime

import ibis

from attune.columns import (
    CUSTOMER_ID,
    EVENT_TIMESTAMP,
    HISTORY_ITEMS,
    HISTORY_TIMES,
    INTERACTION_ID,
    ITEM_ID,
)
from attune.features.moments import SECOND, microseconds
from attune.features.purchases import KNOWN_FROM, SUPERSEDED, only_purchases
from attune.features.schema import CUSTOMER_HISTORY

PURCHASES = "purchases"
KEPT = (ITEM_ID, KNOWN_FROM, SUPERSEDED)


def prepare(interactions: ibis.Table) -> ibis.Table:
    """Put the purchases of each customer in order; it is the same for every date.

    Args:
        interactions: The contract table, with versions.

    Returns:
        One row a customer with all purchases that were ever known, oldest first.
    """
    bought = only_purchases(interactions)
    # Structs sort by their fields: lines of one order share their time and come in the order of their ids.
    lines = ibis.struct({name: bought[name] for name in (EVENT_TIMESTAMP, INTERACTION_ID, *KEPT)})
    ordered = bought.group_by(CUSTOMER_ID).agg(**{PURCHASES: lines.collect().sort()})
    kept = ordered[PURCHASES].map(
        lambda line: ibis.struct({name: line[name] for name in (EVENT_TIMESTAMP, *KEPT)})
    )
    return ordered.select(CUSTOMER_ID, **{PURCHASES: kept})


def compute(prepared: ibis.Table, as_of: datetime, length: int) -> ibis.Table:
    """Take the last purchases of every customer who bought before a date.

    Args:
        prepared: What `prepare` made; purchases that were not known at `as_of` are left out.
        as_of: In UTC.
        length: How many purchases at most; older ones are forgotten.

    Returns:
        One row a customer, sorted; the two lists of a row are of equal length.
    """
    moment = microseconds(as_of)
    known = prepared.mutate(
        **{
            PURCHASES: prepared[PURCHASES].filter(
                lambda line: (line[KNOWN_FROM] <= moment) & (line[SUPERSEDED] > moment)
            )
        }
    )
    last = known.mutate(**{PURCHASES: known[PURCHASES][-length:]})
    lists = {
        HISTORY_ITEMS: last[PURCHASES].map(lambda line: line[ITEM_ID]),
        HISTORY_TIMES: last[PURCHASES].map(
            lambda line: (line[EVENT_TIMESTAMP] / SECOND).floor().cast("int64")
        ),
    }
    return (
        last.filter(last[PURCHASES].length() > 0)
        .select(CUSTOMER_ID, **lists)
        .select(CUSTOMER_ID, *CUSTOMER_HISTORY.feature_names)
        .order_by(CUSTOMER_ID)
    )
