"""The catalogue of features: which views there are, and which service serves which of their features.

What each feature means is in `definitions/`; how it is computed is in the module of its view; how it is
stored is in `feature_repo/`. Tests hold them together.
"""

import hashlib
import json
from collections.abc import Mapping

from attune import columns
from attune.errors import FeatureError
from attune.features.definitions.base import Feature, FeatureType, Purpose, View
from attune.features.definitions.customers import (
    CUSTOMER_ACTIVITY,
    CUSTOMER_HISTORY,
    CUSTOMER_PROFILE,
    MESSAGE_CONTEXT,
    MESSAGE_HISTORY,
)
from attune.features.definitions.items import ITEM_POPULARITY, ITEM_PROFILE

__all__ = [
    "CUSTOMER_ACTIVITY",
    "CUSTOMER_HISTORY",
    "CUSTOMER_PROFILE",
    "ITEM_POPULARITY",
    "ITEM_PROFILE",
    "MESSAGE_CONTEXT",
    "MESSAGE_HISTORY",
    "SERVICES",
    "VIEWS",
    "Feature",
    "FeatureType",
    "Purpose",
    "View",
    "check_schema",
    "features_of",
    "key_of",
    "purposes_of",
    "schema_hash",
    "views_of",
]

VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        CUSTOMER_PROFILE,
        CUSTOMER_ACTIVITY,
        CUSTOMER_HISTORY,
        MESSAGE_CONTEXT,
        MESSAGE_HISTORY,
        ITEM_PROFILE,
        ITEM_POPULARITY,
    )
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
    "response_v1": {
        "customer_profile": CUSTOMER_PROFILE.feature_names,
        "customer_activity": CUSTOMER_ACTIVITY.feature_names,
        "message_context": MESSAGE_CONTEXT.feature_names,
        "message_history": MESSAGE_HISTORY.feature_names,
        "customer_history": (columns.HISTORY_TIMES,),
    },
    "items_v1": {
        "item_profile": ITEM_PROFILE.feature_names,
        "item_popularity": ITEM_POPULARITY.feature_names,
    },
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


def purposes_of(service: str) -> frozenset[Purpose]:
    """What a service may be used for: what every one of its features may be used for.

    >>> sorted(purposes_of("recommend_v1"))
    ['analytics', 'recommend', 'segment']
    """
    served = [
        frozenset(feature.purposes)
        for view, names in views_of(service).items()
        for feature in VIEWS[view].features
        if feature.name in names
    ]
    return frozenset.intersection(*served)


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
