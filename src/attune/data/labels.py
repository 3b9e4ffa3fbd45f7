"""What happened after a date: the labels that models learn. Returns are no purchases."""

from datetime import datetime, timedelta

import pandas as pd

from attune import columns as c
from attune.data.times import utc


def churn_labels(interactions: pd.DataFrame, as_of: datetime, active_days: int, quiet_days: int) -> pd.Series:
    """Label each active customer by whether they stayed away after a date.

    The caller sees to it that the interactions reach to `as_of + quiet_days`.

    Args:
        interactions: Contract table, around the date.
        as_of: The label tells what came at this moment or later.
        active_days: Who bought within so many days before the date is asked about.
        quiet_days: Length of the silence that counts as leaving.

    Returns:
        int8 labels by customer id, sorted: 1 for those who bought nothing in
        [as_of, as_of + quiet_days). Customers who were not active carry no label.
    """
    date = utc(as_of)
    active = _buyers(interactions, date - timedelta(days=active_days), date)
    present = _buyers(interactions, date, date + timedelta(days=quiet_days))
    left = pd.Series(~active.isin(present), index=active, name=c.LABEL)
    return left.astype("int8")


def next_items(interactions: pd.DataFrame, as_of: datetime, days: int) -> pd.Series:
    """The distinct items that each customer buys soon after a date.

    Args:
        interactions: Contract table, around the date.
        as_of: Purchases in [as_of, as_of + days) count.
        days: How far to look.

    Returns:
        Lists of item ids by customer id, sorted; within a list in order of purchase, then of id.
        Customers who buy nothing have no row.
    """
    date = utc(as_of)
    bought = _purchases(interactions, date, date + timedelta(days=days))
    ordered = bought.sort_values([c.CUSTOMER_ID, c.EVENT_TIMESTAMP, c.ITEM_ID], kind="stable")
    firsts = ordered.drop_duplicates([c.CUSTOMER_ID, c.ITEM_ID])
    lists = firsts.groupby(c.CUSTOMER_ID, sort=True)[c.ITEM_ID].agg(list)
    return lists.astype(object).rename(c.LABEL)


def _buyers(interactions: pd.DataFrame, since: pd.Timestamp, before: pd.Timestamp) -> pd.Index:
    ids = _purchases(interactions, since, before)[c.CUSTOMER_ID].unique()
    index: pd.Index = pd.Index(sorted(ids), name=c.CUSTOMER_ID, dtype=object)
    return index


def _purchases(interactions: pd.DataFrame, since: pd.Timestamp, before: pd.Timestamp) -> pd.DataFrame:
    times = interactions[c.EVENT_TIMESTAMP]
    inside = (times >= since) & (times < before) & (interactions[c.EVENT] == c.PURCHASE)
    return interactions[inside]
