"""message_history: the last messages to each customer, oldest first, and which were answered by now."""

from datetime import datetime

import ibis

from attune.columns import (
    CHANNEL,
    CUSTOMER_ID,
    ENDS_AT,
    FORMAT,
    MESSAGE_ANSWERS,
    MESSAGE_CHANNELS,
    MESSAGE_FORMATS,
    MESSAGE_ID,
    MESSAGE_TIMES,
    RESPONDED,
    RESPONDED_AT,
    SENT_AT,
)
from attune.features.moments import SECOND, microseconds
from attune.features.schema import MESSAGE_HISTORY

LENGTH = 32
_LINES = "lines"


def prepare(messages: ibis.Table) -> ibis.Table:
    """Put the messages of each customer in order and date the responses; it is the same for every date.

    Args:
        messages: The contract table.

    Returns:
        One row a customer with all messages, oldest first.
    """
    responded_at = ibis.coalesce(messages[RESPONDED_AT], messages[ENDS_AT])
    told = {name: messages[name] for name in (SENT_AT, MESSAGE_ID, CHANNEL, FORMAT)}
    # Structs sort by their fields: messages of one moment come in the order of their ids.
    line = ibis.struct(told | {RESPONDED_AT: messages[RESPONDED].ifelse(responded_at, ibis.null())})
    return messages.group_by(CUSTOMER_ID).agg(**{_LINES: line.collect().sort()})


def compute(prepared: ibis.Table, as_of: datetime) -> ibis.Table:
    """Take the last messages that every customer was sent before a date.

    A response counts from its own time on, as in message_context.

    Args:
        prepared: What `prepare` made; what was not known at `as_of` is left out.
        as_of: In UTC.

    Returns:
        One row a customer, sorted; the lists of a row are of equal length.
    """
    moment = microseconds(as_of)
    known = prepared.mutate(**{_LINES: prepared[_LINES].filter(lambda line: line[SENT_AT] < moment)})
    last = known.mutate(**{_LINES: known[_LINES][-LENGTH:]})
    lists = {
        MESSAGE_TIMES: last[_LINES].map(lambda line: (line[SENT_AT] / SECOND).floor().cast("int64")),
        MESSAGE_CHANNELS: last[_LINES].map(lambda line: line[CHANNEL]),
        MESSAGE_FORMATS: last[_LINES].map(lambda line: line[FORMAT]),
        MESSAGE_ANSWERS: last[_LINES].map(
            lambda line: ibis.coalesce(line[RESPONDED_AT] < moment, ibis.literal(value=False)).cast("int64")
        ),
    }
    return (
        last.filter(last[_LINES].length() > 0)
        .select(CUSTOMER_ID, **lists)
        .select(CUSTOMER_ID, *MESSAGE_HISTORY.feature_names)
        .order_by(CUSTOMER_ID)
    )
