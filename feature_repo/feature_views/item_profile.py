"""What an item is."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import String

from attune.columns import BRAND, CATEGORY, DEPARTMENT
from entities import item
from sources import item_profile_snapshots

item_profile = FeatureView(
    name="item_profile",
    entities=[item],
    ttl=timedelta(days=3650),
    source=item_profile_snapshots,
    online=False,  # ranking reads all items at once, from memory
    schema=[
        Field(name=DEPARTMENT, dtype=String),
        Field(name=CATEGORY, dtype=String),
        Field(name=BRAND, dtype=String),
    ],
    owner="customer-insight",
    description="What an item is.",
)
