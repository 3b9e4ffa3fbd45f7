"""The views about customers."""

from datetime import timedelta

from attune import columns
from attune.features.definitions.base import (
    SNAPSHOT_TTL,
    Feature,
    FeatureType,
    View,
    amount,
    category,
    count,
    share,
)

CUSTOMER_PROFILE = View(
    name="customer_profile",
    key="customer_id",
    ttl=timedelta(days=3650),
    dated=False,
    description="What a customer has told about the household.",
    features=tuple(
        category(name, f"{name.replace('_', ' ').capitalize()}, or 'unknown'.")
        for name in columns.DEMOGRAPHICS
    ),
)

CUSTOMER_ACTIVITY = View(
    name="customer_activity",
    key="customer_id",
    ttl=SNAPSHOT_TTL,
    description="How recently, how often and how much a customer has bought; who never bought has no row.",
    features=(
        amount(columns.RECENCY_DAYS, "days", "Days since the last purchase."),
        amount(columns.TENURE_DAYS, "days", "Days since the first purchase."),
        count(columns.ORDERS_7D, "orders", "Orders in the last 7 days."),
        count(columns.ORDERS_30D, "orders", "Orders in the last 30 days."),
        count(columns.ORDERS_90D, "orders", "Orders in the last 90 days."),
        amount(columns.SPEND_7D, "currency", "Money paid in the last 7 days, less what was given back."),
        amount(columns.SPEND_30D, "currency", "Money paid in the last 30 days, less what was given back."),
        amount(columns.SPEND_90D, "currency", "Money paid in the last 90 days, less what was given back."),
        amount(
            columns.BASKET_SIZE_90D, "items", "Mean lines of an order in the last 90 days; 0 without one."
        ),
        share(columns.DISCOUNT_SHARE_90D, "Money saved of money paid and saved in the last 90 days."),
        amount(
            columns.DAYS_BETWEEN_ORDERS_90D,
            "days",
            "Mean days between orders in the last 90 days; 90 with fewer than two.",
        ),
        *(
            share(name, f"Share of the money of the last 90 days paid in department {department!r}.")
            for name, department in zip(
                columns.DEPARTMENT_SHARES, (*columns.DEPARTMENTS, columns.OTHER_DEPARTMENT), strict=True
            )
        ),
    ),
)

CUSTOMER_HISTORY = View(
    name="customer_history",
    key="customer_id",
    ttl=SNAPSHOT_TTL,
    description="The last purchases of a customer, oldest first.",
    features=(
        Feature(
            name=columns.HISTORY_ITEMS,
            type="list[string]",
            unit="items",
            description="Items, oldest first.",
            # What somebody bought says more about them than how much: to whom it is told is kept short.
            purposes=("recommend", "segment", "analytics"),
        ),
        Feature(
            name=columns.HISTORY_TIMES,
            type="list[int64]",
            unit="seconds",
            description="When each item was bought, in seconds since 1970.",
            # Without the items it is the rhythm of the orders, which says less than how much was spent.
            purposes=("recommend", "response", "segment", "analytics"),
        ),
    ),
)

MESSAGE_CONTEXT = View(
    name="message_context",
    key="customer_id",
    ttl=SNAPSHOT_TTL,
    description="What a customer was sent and what came of it; who was never sent a message has no row.",
    features=(
        count(columns.MESSAGES_7D, "messages", "Messages sent in the last 7 days."),
        count(columns.MESSAGES_30D, "messages", "Messages sent in the last 30 days."),
        count(columns.MESSAGES_90D, "messages", "Messages sent in the last 90 days."),
        count(columns.RESPONSES_7D, "messages", "Messages responded to in the last 7 days."),
        count(columns.RESPONSES_30D, "messages", "Messages responded to in the last 30 days."),
        count(columns.RESPONSES_90D, "messages", "Messages responded to in the last 90 days."),
        amount(columns.DAYS_SINCE_MESSAGE, "days", "Days since the last message."),
        amount(
            columns.DAYS_SINCE_RESPONSE,
            "days",
            "Days since the last response; since the first message where there was none.",
        ),
        share(
            columns.RESPONSE_SHARE_90D,
            "Messages of the last 90 days that were responded to by now; 0 without one.",
        ),
    ),
)


def _of_messages(name: str, kind: FeatureType, unit: str, description: str) -> Feature:
    return Feature(
        name=name, type=kind, unit=unit, description=description, purposes=("response", "analytics")
    )


MESSAGE_HISTORY = View(
    name="message_history",
    key="customer_id",
    ttl=SNAPSHOT_TTL,
    description="The last messages to a customer, oldest first; who was never sent a message has no row.",
    features=(
        _of_messages(columns.MESSAGE_TIMES, "list[int64]", "seconds", "When each was sent, since 1970."),
        _of_messages(columns.MESSAGE_CHANNELS, "list[string]", "channels", "How each was sent."),
        _of_messages(columns.MESSAGE_FORMATS, "list[string]", "formats", "What kind of message each was."),
        _of_messages(columns.MESSAGE_ANSWERS, "list[int64]", "answers", "1 for each answered by now, or 0."),
    ),
)
