"""What is said about a feature, and about a view of features."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from attune.config import Settings

FeatureType = Literal["string", "int64", "float64", "list[string]", "list[int64]"]
Purpose = Literal["recommend", "churn", "response", "segment", "emotion", "analytics"]

OWNER = "customer-insight"
SNAPSHOT_TTL = timedelta(days=7)
# What a customer did and said serves every purpose but reading moods: that needs words, not purchases.
MARKETING: tuple[Purpose, ...] = ("recommend", "churn", "response", "segment", "analytics")
# Facts about items are about nobody: any purpose may read them.
ANY: tuple[Purpose, ...] = (*MARKETING, "emotion")


class Feature(Settings):
    """One feature, described for people and checked by machines.

    Attributes:
        unit: What one means: days, orders, currency, share, items, seconds.
        purposes: What it may be used for; a customer agrees to each by itself.
        minimum: No value is below; None where that means nothing.
        maximum: No value is above.
        null_share: Of the rows, how many at most may hold no value.
    """

    name: str
    type: FeatureType
    unit: str
    description: str
    purposes: tuple[Purpose, ...]
    owner: str = OWNER
    minimum: float | None = None
    maximum: float | None = None
    null_share: float = Field(default=0.0, ge=0, le=1)


class View(Settings):
    """A feature view: what is known about one kind of entity as of a date.

    Attributes:
        online: Whether values are brought online. What an item is does not change between two builds: ranking
            reads it of all items at once, from memory.
        dated: Whether its values belong to a date. What is not dated is one snapshot, from the start on.
    """

    name: str
    key: Literal["customer_id", "item_id"]
    ttl: timedelta
    description: str
    features: tuple[Feature, ...]
    online: bool = True
    dated: bool = True

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in their order in every file."""
        return tuple(feature.name for feature in self.features)


def category(name: str, description: str, purposes: tuple[Purpose, ...] = MARKETING) -> Feature:
    """A word out of few."""
    return Feature(name=name, type="string", unit="category", description=description, purposes=purposes)


def amount(name: str, unit: str, description: str) -> Feature:
    """A quantity that is never negative."""
    return Feature(
        name=name, type="float64", unit=unit, description=description, purposes=MARKETING, minimum=0
    )


def share(name: str, description: str) -> Feature:
    """A part of a whole, within [0, 1]."""
    return Feature(
        name=name,
        type="float64",
        unit="share",
        description=description,
        purposes=MARKETING,
        minimum=0,
        maximum=1,
    )


def count(name: str, unit: str, description: str, purposes: tuple[Purpose, ...] = MARKETING) -> Feature:
    """A whole number that is never negative."""
    return Feature(name=name, type="int64", unit=unit, description=description, purposes=purposes, minimum=0)
