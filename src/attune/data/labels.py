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


def response_labels(
    messages: pd.DataFrame, as_of: datetime, send_days: int, answer_days: int
) -> pd.DataFrame:
    """Label each message sent soon after a date by whether the customer responded in time.

    Args:
        messages: Contract table.
        as_of: Messages sent in [as_of, as_of + send_days) are asked about.
        send_days: How far to look for messages.
        answer_days: A response within so many days after sending counts. Where the source says that there was
            one but not when, it came at the end of the offer.

    Returns:
        One row a message, by customer and message: customer_id, what a decision chooses (channel, format,
        hour of the day and weekday in UTC, Monday is 0, and for how many days the offer holds) and an int8
        label, 1 for those that were responded to.
    """
    date = utc(as_of)
    sent_at = messages[c.SENT_AT]
    sent = messages[(sent_at >= date) & (sent_at < date + timedelta(days=send_days))]
    sent = sent.sort_values([c.CUSTOMER_ID, c.MESSAGE_ID], ignore_index=True)
    responded_at = sent[c.RESPONDED_AT].fillna(sent[c.ENDS_AT])
    in_time = sent[c.RESPONDED] & (responded_at < sent[c.SENT_AT] + timedelta(days=answer_days))
    return pd.DataFrame(
        {
            c.CUSTOMER_ID: sent[c.CUSTOMER_ID],
            c.CHANNEL: sent[c.CHANNEL],
            c.FORMAT: sent[c.FORMAT],
            c.SENT_HOUR: sent[c.SENT_AT].dt.hour.astype("int64"),
            c.SENT_WEEKDAY: sent[c.SENT_AT].dt.weekday.astype("int64"),
            c.OFFER_DAYS: (sent[c.ENDS_AT] - sent[c.SENT_AT]).dt.total_seconds() / 86_400,
            c.LABEL: in_time.astype("int8"),
        }
    )


def _buyers(interactions: pd.DataFrame, since: pd.Timestamp, before: pd.Timestamp) -> pd.Index:
    ids = _purchases(interactions, since, before)[c.CUSTOMER_ID].unique()
    index: pd.Index = pd.Index(sorted(ids), name=c.CUSTOMER_ID, dtype=object)
    return index


def _purchases(interactions: pd.DataFrame, since: pd.Timestamp, before: pd.Timestamp) -> pd.DataFrame:
    times = interactions[c.EVENT_TIMESTAMP]
    inside = (times >= since) & (times < before) & (interactions[c.EVENT] == c.PURCHASE)
    return interactions[inside]
