"""How recently, how often and how much a customer has bought."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Float64, Int64

from attune.columns import (
    BASKET_SIZE_90D,
    DAYS_BETWEEN_ORDERS_90D,
    DEPARTMENT_SHARES,
    DISCOUNT_SHARE_90D,
    ORDERS_7D,
    ORDERS_30D,
    ORDERS_90D,
    RECENCY_DAYS,
    SPEND_7D,
    SPEND_30D,
    SPEND_90D,
    TENURE_DAYS,
)
from entities import customer
from sources import customer_activity_pushes

customer_activity = FeatureView(
    name="customer_activity",
    entities=[customer],
    ttl=timedelta(days=7),
    source=customer_activity_pushes,
    schema=[
        Field(name=RECENCY_DAYS, dtype=Float64),
        Field(name=TENURE_DAYS, dtype=Float64),
        Field(name=ORDERS_7D, dtype=Int64),
        Field(name=ORDERS_30D, dtype=Int64),
        Field(name=ORDERS_90D, dtype=Int64),
        Field(name=SPEND_7D, dtype=Float64),
        Field(name=SPEND_30D, dtype=Float64),
        Field(name=SPEND_90D, dtype=Float64),
        Field(name=BASKET_SIZE_90D, dtype=Float64),
        Field(name=DISCOUNT_SHARE_90D, dtype=Float64),
        Field(name=DAYS_BETWEEN_ORDERS_90D, dtype=Float64),
        *(Field(name=share, dtype=Float64) for share in DEPARTMENT_SHARES),
    ],
    owner="customer-insight",
    description="How recently, how often and how much a customer has bought.",
)
