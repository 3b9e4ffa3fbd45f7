"""The views about items."""

from datetime import timedelta

from attune import columns
from attune.features.definitions.base import ANY, SNAPSHOT_TTL, View, category, count

ITEM_PROFILE = View(
    name="item_profile",
    key="item_id",
    ttl=timedelta(days=3650),
    online=False,
    dated=False,
    description="What an item is.",
    features=(
        category(columns.DEPARTMENT, "Department that sells the item, or 'unknown'.", ANY),
        category(columns.CATEGORY, "Kind of the item within its department, or 'unknown'.", ANY),
        category(columns.BRAND, "Brand of the item, or 'unknown'.", ANY),
    ),
)

ITEM_POPULARITY = View(
    name="item_popularity",
    key="item_id",
    ttl=SNAPSHOT_TTL,
    description="How often an item is bought; an item without a purchase in 90 days has no row.",
    features=(
        count(columns.ITEM_ORDERS_7D, "orders", "Orders with the item in the last 7 days.", ANY),
        count(columns.ITEM_ORDERS_30D, "orders", "Orders with the item in the last 30 days.", ANY),
        count(columns.ITEM_ORDERS_90D, "orders", "Orders with the item in the last 90 days.", ANY),
        count(
            columns.ITEM_CUSTOMERS_30D, "customers", "Customers who bought the item in the last 30 days.", ANY
        ),
    ),
)
