"""The last purchases of a customer, oldest first."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Array, Int64, String

from attune.columns import HISTORY_ITEMS, HISTORY_TIMES
from entities import customer
from sources import customer_history_pushes

customer_history = FeatureView(
    name="customer_history",
    entities=[customer],
    ttl=timedelta(days=7),
    source=customer_history_pushes,
    schema=[
        Field(name=HISTORY_ITEMS, dtype=Array(String)),
        Field(name=HISTORY_TIMES, dtype=Array(Int64)),
    ],
    owner="customer-insight",
    description="The last purchases of a customer, oldest first.",
)
