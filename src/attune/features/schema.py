"""The catalogue of features: what each means, who owns it, what to expect of it, and which service serves it.

How a feature is computed is in the module of its view; how it is stored is in `feature_repo/`. Tests hold
the three together.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from attune import columns
from attune.config import Settings
from attune.errors import FeatureError

FeatureType = Literal["string", "int64", "float64", "list[string]", "list[int64]"]

OWNER = "customer-insight"
SNAPSHOT_TTL = timedelta(days=7)


class Feature(Settings):
    """One feature, described for people and checked by machines.

    Attributes:
        unit: What one means: days, orders, currency, share, items, seconds.
        minimum: No value is below; None where that means nothing.
        maximum: No value is above.
    """

    name: str
    type: FeatureType
    unit: str
    description: str
    owner: str = OWNER
    minimum: float | None = None
    maximum: float | None = None


class View(Settings):
    """A feature view: what is known about one kind of entity as of a date.

    Attributes:
        online: Whether values are brought online. Ranking reads thousands of items at once, which is far
            slower from a store than from a matrix in memory: items stay offline.
    """

    name: str
    key: Literal["customer_id", "item_id"]
    ttl: timedelta
    description: str
    features: tuple[Feature, ...]
    online: bool = True

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in their order in every file."""
        return tuple(feature.name for feature in self.features)


def _amount(name: str, unit: str, description: str) -> Feature:
    return Feature(name=name, type="float64", unit=unit, description=description, minimum=0)


def _share(name: str, description: str) -> Feature:
    return Feature(name=name, type="float64", unit="share", description=description, minimum=0, maximum=1)


def _count(name: str, unit: str, description: str) -> Feature:
    return Feature(name=name, type="int64", unit=unit, description=description, minimum=0)


CUSTOMER_PROFILE = View(
    name="customer_profile",
    key="customer_id",
    ttl=timedelta(days=3650),
    description="What a customer has told about the household.",
    features=tuple(
        Feature(
            name=name,
            type="string",
            unit="category",
            description=f"{name.replace('_', ' ').capitalize()}, or 'unknown'.",
        )
        for name in columns.DEMOGRAPHICS
    ),
)

CUSTOMER_ACTIVITY = View(
    name="customer_activity",
    key="customer_id",
    ttl=SNAPSHOT_TTL,
    description="How recently, how often and how much a customer has bought; who never bought has no row.",
    features=(
        _amount(columns.RECENCY_DAYS, "days", "Days since the last purchase."),
        _amount(columns.TENURE_DAYS, "days", "Days since the first purchase."),
        _count(columns.ORDERS_7D, "orders", "Orders in the last 7 days."),
        _count(columns.ORDERS_30D, "orders", "Orders in the last 30 days."),
        _count(columns.ORDERS_90D, "orders", "Orders in the last 90 days."),
        _amount(columns.SPEND_7D, "currency", "Money paid in the last 7 days."),
        _amount(columns.SPEND_30D, "currency", "Money paid in the last 30 days."),
        _amount(columns.SPEND_90D, "currency", "Money paid in the last 90 days."),
        _amount(
            columns.BASKET_SIZE_90D, "items", "Mean lines of an order in the last 90 days; 0 without one."
        ),
        _share(columns.DISCOUNT_SHARE_90D, "Money saved of money paid and saved in the last 90 days."),
        _amount(
            columns.DAYS_BETWEEN_ORDERS_90D,
            "days",
            "Mean days between orders in the last 90 days; 90 with fewer than two.",
        ),
        *(
            _share(name, f"Share of the money of the last 90 days paid in department {department!r}.")
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
            name=columns.HISTORY_ITEMS, type="list[string]", unit="items", description="Items, oldest first."
        ),
        Feature(
            name=columns.HISTORY_TIMES,
            type="list[int64]",
            unit="seconds",
            description="When each item was bought, in seconds since 1970.",
        ),
    ),
)

ITEM_POPULARITY = View(
    name="item_popularity",
    key="item_id",
    ttl=SNAPSHOT_TTL,
    online=False,
    description="How often an item is bought; an item without a purchase in 90 days has no row.",
    features=(
        _count(columns.ITEM_ORDERS_7D, "orders", "Orders with the item in the last 7 days."),
        _count(columns.ITEM_ORDERS_30D, "orders", "Orders with the item in the last 30 days."),
        _count(columns.ITEM_ORDERS_90D, "orders", "Orders with the item in the last 90 days."),
        _count(columns.ITEM_CUSTOMERS_30D, "customers", "Customers who bought the item in the last 30 days."),
    ),
)

VIEWS: Mapping[str, View] = {
    view.name: view for view in (CUSTOMER_PROFILE, CUSTOMER_ACTIVITY, CUSTOMER_HISTORY, ITEM_POPULARITY)
}

# A service that a model was trained on is never edited: add a `_v2` beside it.
SERVICES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "churn_v1": {
        "customer_profile": CUSTOMER_PROFILE.feature_names,
        "customer_activity": CUSTOMER_ACTIVITY.feature_names,
    },
    "recommend_v1": {
        "customer_history": CUSTOMER_HISTORY.feature_names,
        "customer_profile": (columns.AGE_BAND, columns.INCOME_BAND),
        "customer_activity": (columns.TENURE_DAYS, columns.ORDERS_90D),
    },
    "popularity_v1": {"item_popularity": ITEM_POPULARITY.feature_names},
}


def views_of(service: str) -> dict[str, tuple[str, ...]]:
    """The views of a service and which of their features it serves, in order.

    Raises:
        FeatureError: There is no service of that name.
    """
    if service not in SERVICES:
        raise FeatureError(f"no feature service named {service!r}; there are: {', '.join(sorted(SERVICES))}")
    return dict(SERVICES[service])


def features_of(service: str) -> dict[str, FeatureType]:
    """The features of a service and their types, in the order of its columns.

    >>> features_of("popularity_v1")["item_orders_7d"]
    'int64'
    """
    return {
        feature.name: feature.type
        for view, names in views_of(service).items()
        for feature in VIEWS[view].features
        if feature.name in names
    }


def key_of(service: str) -> str:
    """The column that says whose features the service serves: customer_id or item_id."""
    return VIEWS[next(iter(views_of(service)))].key


def schema_hash(service: str) -> str:
    """A digest of what a model trusts about a service: its views, lifetimes, features, types and units."""
    document = [
        [view, VIEWS[view].ttl.total_seconds(), feature.name, feature.type, feature.unit]
        for view, names in views_of(service).items()
        for feature in VIEWS[view].features
        if feature.name in names
    ]
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()


def check_schema(service: str, recorded: Mapping[str, str], recorded_hash: str) -> None:
    """Refuse a model that was trained on another shape of a feature service.

    Args:
        service: The service the model names.
        recorded: Feature -> type as they were when the model was trained.
        recorded_hash: The schema hash of that time.

    Raises:
        FeatureError: Something differs; the message names the first feature that does.
    """
    if schema_hash(service) == recorded_hash:
        return
    declared = features_of(service)
    names = [*declared, *(name for name in recorded if name not in declared)]
    differing = (name for name in names if recorded.get(name) != declared.get(name))
    feature = next(differing, None)
    found = (
        f"feature {feature!r} was {recorded.get(feature, 'absent')} and is {declared.get(feature, 'absent')}"
        if feature
        else "the order, a unit or a time to live of its features changed"
    )
    raise FeatureError(
        f"feature service {service!r} is not what the model was trained on: {found}; "
        "restore the service and add the change as a new version, or train again"
    )
