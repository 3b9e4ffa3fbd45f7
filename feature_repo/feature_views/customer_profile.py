"""What a customer has told about the household."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import String

from attune.columns import AGE_BAND, CHILDREN, HOME_OWNERSHIP, HOUSEHOLD_SIZE, INCOME_BAND, MARITAL_STATUS
from entities import customer
from sources import customer_profile_snapshots

customer_profile = FeatureView(
    name="customer_profile",
    entities=[customer],
    ttl=timedelta(days=3650),
    source=customer_profile_snapshots,
    schema=[
        Field(name=AGE_BAND, dtype=String),
        Field(name=INCOME_BAND, dtype=String),
        Field(name=HOME_OWNERSHIP, dtype=String),
        Field(name=MARITAL_STATUS, dtype=String),
        Field(name=HOUSEHOLD_SIZE, dtype=String),
        Field(name=CHILDREN, dtype=String),
    ],
    owner="customer-insight",
    description="What a customer has told about the household.",
)
