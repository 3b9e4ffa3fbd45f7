"""A drift that is planted and announced: some customers switch to another store format."""

from datetime import datetime

import pandas as pd

from attune import columns as c
from attune.data.splits import chosen_share
from attune.data.times import utc
from attune.errors import DataError


def switch_store_format(
    interactions: pd.DataFrame,
    items: pd.DataFrame,
    share: float,
    since: datetime,
    seed: int,
    *,
    department: str = "PRODUCE",
    merged_days: int = 21,
    larger: float = 2.0,
) -> pd.DataFrame:
    """Let a share of the customers change to a warehouse: larger, rarer baskets, one department gone.

    Args:
        interactions: Contract table.
        items: Contract table; names the departments.
        share: Of the customers who switch; who does depends on the seed and the customer id alone.
        since: Events at this moment or later change.
        seed: Chooses other customers.
        department: What the new store does not sell.
        merged_days: All orders within so many days become one, at the time of the first.
        larger: By how much quantities and money grow.

    Returns:
        A shifted copy with the same columns, in order of time and id.

    Raises:
        DataError: No item belongs to the department.
    """
    gone = items.loc[items[c.DEPARTMENT] == department, c.ITEM_ID]
    if gone.empty:
        known = ", ".join(sorted(items[c.DEPARTMENT].unique()))
        raise DataError(f"no item belongs to the department {department!r}; there are {known}")
    switched = chosen_share(interactions[c.CUSTOMER_ID], share, f"store format {seed}")
    affected = switched & (interactions[c.EVENT_TIMESTAMP] >= utc(since)).to_numpy()
    moved = interactions[affected & ~interactions[c.ITEM_ID].isin(gone).to_numpy()].copy()
    for column in (c.QUANTITY, c.AMOUNT, c.DISCOUNT):
        moved[column] *= larger
    moved = _merged(moved, utc(since), merged_days)
    shifted = pd.concat([interactions[~affected], moved], ignore_index=True)
    return shifted.sort_values([c.EVENT_TIMESTAMP, c.INTERACTION_ID], ignore_index=True)


def _merged(rows: pd.DataFrame, since: pd.Timestamp, days: int) -> pd.DataFrame:
    ordered = rows.sort_values([c.EVENT_TIMESTAMP, c.ORDER_ID], kind="stable")
    period = (ordered[c.EVENT_TIMESTAMP] - since) // pd.Timedelta(days=days)
    groups = ordered.groupby([ordered[c.CUSTOMER_ID], period, ordered[c.EVENT]], sort=False)
    for column in (c.ORDER_ID, c.EVENT_TIMESTAMP, c.CREATED_TIMESTAMP):
        ordered[column] = groups[column].transform("first")
    return ordered
