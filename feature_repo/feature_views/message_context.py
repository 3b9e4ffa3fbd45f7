"""What a customer was sent and what came of it."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Float64, Int64

from attune.columns import (
    DAYS_SINCE_MESSAGE,
    DAYS_SINCE_RESPONSE,
    MESSAGES_7D,
    MESSAGES_30D,
    MESSAGES_90D,
    RESPONSE_SHARE_90D,
    RESPONSES_7D,
    RESPONSES_30D,
    RESPONSES_90D,
)
from entities import customer
from sources import message_context_snapshots

message_context = FeatureView(
    name="message_context",
    entities=[customer],
    ttl=timedelta(days=7),
    source=message_context_snapshots,
    schema=[
        Field(name=MESSAGES_7D, dtype=Int64),
        Field(name=MESSAGES_30D, dtype=Int64),
        Field(name=MESSAGES_90D, dtype=Int64),
        Field(name=RESPONSES_7D, dtype=Int64),
        Field(name=RESPONSES_30D, dtype=Int64),
        Field(name=RESPONSES_90D, dtype=Int64),
        Field(name=DAYS_SINCE_MESSAGE, dtype=Float64),
        Field(name=DAYS_SINCE_RESPONSE, dtype=Float64),
        Field(name=RESPONSE_SHARE_90D, dtype=Float64),
    ],
    owner="customer-insight",
    description="What a customer was sent and what came of it.",
)
