"""How often an item is bought."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Int64

from attune.columns import ITEM_CUSTOMERS_30D, ITEM_ORDERS_7D, ITEM_ORDERS_30D, ITEM_ORDERS_90D
from entities import item
from sources import item_popularity_pushes

item_popularity = FeatureView(
    name="item_popularity",
    entities=[item],
    ttl=timedelta(days=7),
    source=item_popularity_pushes,
    online=True,
    schema=[
        Field(name=ITEM_ORDERS_7D, dtype=Int64),
        Field(name=ITEM_ORDERS_30D, dtype=Int64),
        Field(name=ITEM_ORDERS_90D, dtype=Int64),
        Field(name=ITEM_CUSTOMERS_30D, dtype=Int64),
    ],
    owner="customer-insight",
    description="How often an item is bought.",
)
