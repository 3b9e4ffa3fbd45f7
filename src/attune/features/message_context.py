"""message_context: what each customer was sent lately, and what came of it."""

from datetime import datetime

import ibis

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
from attune.features.moments import days_before, in_days, microseconds
from attune.features.schema import MESSAGE_CONTEXT

WINDOW_DAYS = 90
MESSAGES = {7: MESSAGES_7D, 30: MESSAGES_30D, 90: MESSAGES_90D}
RESPONSES = {7: RESPONSES_7D, 30: RESPONSES_30D, 90: RESPONSES_90D}


def prepare(messages: ibis.Table) -> ibis.Table:
    """Date the responses; it is the same for every date.

    Args:
        messages: The contract table.
    """
    responded_at = ibis.coalesce(messages[RESPONDED_AT], messages[ENDS_AT])
    return messages.select(
        CUSTOMER_ID, SENT_AT, **{RESPONDED_AT: messages[RESPONDED].ifelse(responded_at, ibis.null())}
    )


def compute(prepared: ibis.Table, as_of: datetime) -> ibis.Table:
    """Sum up the messages of every customer who was sent one before a date.

    A response counts from its own time on: a message that will be responded to next week has no response
    yet. Where the source says that there was one but not when, it counts from the end of its campaign.

    Args:
        prepared: What `prepare` made; what was not known at `as_of` is left out.
        as_of: In UTC.

    Returns:
        One row a customer, sorted, with the features of the view and without nulls.
    """
    moment = microseconds(as_of)
    known = prepared.filter(prepared[SENT_AT] < moment)
    known = known.mutate(
        **{RESPONDED_AT: (known[RESPONDED_AT] < moment).ifelse(known[RESPONDED_AT], ibis.null())}
    )
    sent, responded = known[SENT_AT], known[RESPONDED_AT]
    recent = sent >= days_before(as_of, WINDOW_DAYS)
    lately = known.count(where=recent)
    share = known.count(where=recent & responded.notnull()) / lately.nullif(0)
    return (
        known.group_by(CUSTOMER_ID)
        .agg(
            **{name: known.count(where=sent >= days_before(as_of, days)) for days, name in MESSAGES.items()},
            **{
                name: known.count(where=responded.notnull() & (responded >= days_before(as_of, days)))
                for days, name in RESPONSES.items()
            },
            **{
                DAYS_SINCE_MESSAGE: in_days(moment - sent.max()),
                DAYS_SINCE_RESPONSE: in_days(moment - ibis.coalesce(responded.max(), sent.min())),
                RESPONSE_SHARE_90D: share.fill_null(0.0),
            },
        )
        .select(CUSTOMER_ID, *MESSAGE_CONTEXT.feature_names)
        .order_by(CUSTOMER_ID)
    )
