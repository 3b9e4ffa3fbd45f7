"""message_context: what each customer was sent lately, and what came of it."""

from datetime import datetime, timedelta

import polars as pl

from attune.columns import (
    CUSTOMER_ID,
    DAYS_SINCE_MESSAGE,
    DAYS_SINCE_RESPONSE,
    ENDS_AT,
    MESSAGES_7D,
    MESSAGES_30D,
    MESSAGES_90D,
    RESPONDED,
    RESPONDED_AT,
    RESPONSE_SHARE_90D,
    RESPONSES_7D,
    RESPONSES_30D,
    RESPONSES_90D,
    SENT_AT,
)
from attune.features.schema import MESSAGE_CONTEXT

WINDOW_DAYS = 90
MESSAGES = {7: MESSAGES_7D, 30: MESSAGES_30D, 90: MESSAGES_90D}
RESPONSES = {7: RESPONSES_7D, 30: RESPONSES_30D, 90: RESPONSES_90D}
MICROSECONDS_A_DAY = timedelta(days=1) / timedelta(microseconds=1)


def compute(messages: pl.LazyFrame, as_of: datetime) -> pl.DataFrame:
    """Sum up the messages of every customer who was sent one before a date.

    A response counts from its own time on: a message that will be responded to next week has no response
    yet. Where the source says that there was one but not when, it counts from the end of its campaign.

    Args:
        messages: The contract table; what was not known at `as_of` is left out.
        as_of: In UTC.

    Returns:
        One row a customer, sorted, with the features of the view and without nulls.
    """
    responded_at = pl.when(RESPONDED).then(pl.coalesce(RESPONDED_AT, ENDS_AT))
    known = messages.filter(pl.col(SENT_AT) < as_of).select(
        CUSTOMER_ID,
        SENT_AT,
        pl.when(responded_at < as_of).then(responded_at).alias(RESPONDED_AT),
    )
    sent, responded = pl.col(SENT_AT), pl.col(RESPONDED_AT)
    recent = sent >= as_of - timedelta(days=WINDOW_DAYS)
    share = (recent & responded.is_not_null()).sum() / recent.sum()
    return (
        known.group_by(CUSTOMER_ID)
        .agg(
            *(_within(sent, days, as_of).alias(name) for days, name in MESSAGES.items()),
            *(_within(responded, days, as_of).alias(name) for days, name in RESPONSES.items()),
            _days(pl.lit(as_of) - sent.max()).alias(DAYS_SINCE_MESSAGE),
            _days(pl.lit(as_of) - pl.coalesce(responded.max(), sent.min())).alias(DAYS_SINCE_RESPONSE),
            pl.when(recent.any()).then(share).otherwise(0.0).alias(RESPONSE_SHARE_90D),
        )
        .sort(CUSTOMER_ID)
        .select(CUSTOMER_ID, *MESSAGE_CONTEXT.feature_names)
        .collect()
    )


def _within(time: pl.Expr, days: int, as_of: datetime) -> pl.Expr:
    return (time >= as_of - timedelta(days=days)).sum().cast(pl.Int64)


def _days(duration: pl.Expr) -> pl.Expr:
    return duration.dt.total_microseconds() / MICROSECONDS_A_DAY
