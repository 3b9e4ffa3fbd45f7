"""Whom and what features are about."""

from feast import Entity, ValueType

from attune.columns import CUSTOMER_ID, ITEM_ID

customer = Entity(
    name="customer",
    join_keys=[CUSTOMER_ID],
    value_type=ValueType.STRING,
    description="A customer, by pseudonym.",
)

item = Entity(
    name="item",
    join_keys=[ITEM_ID],
    value_type=ValueType.STRING,
    description="Something that is sold.",
)
