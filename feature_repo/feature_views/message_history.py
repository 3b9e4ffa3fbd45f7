"""The last messages to a customer, oldest first."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Array, Int64, String

from attune.columns import MESSAGE_ANSWERS, MESSAGE_CHANNELS, MESSAGE_FORMATS, MESSAGE_TIMES
from entities import customer
from sources import message_history_snapshots

message_history = FeatureView(
    name="message_history",
    entities=[customer],
    ttl=timedelta(days=7),
    source=message_history_snapshots,
    schema=[
        Field(name=MESSAGE_TIMES, dtype=Array(Int64)),
        Field(name=MESSAGE_CHANNELS, dtype=Array(String)),
        Field(name=MESSAGE_FORMATS, dtype=Array(String)),
        Field(name=MESSAGE_ANSWERS, dtype=Array(Int64)),
    ],
    owner="customer-insight",
    description="The last messages to a customer, oldest first, and which were answered by now.",
)
