"""Online features for one purpose: of who agreed to it, values; of everybody else, none."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from attune.errors import FeatureError
from attune.features.online import OnlineFeatures, OnlineRow
from attune.features.schema import Purpose, key_of, purposes_of


class Consents(Protocol):
    """Who agreed to what, now."""

    def agreed_to(self, purpose: Purpose) -> AbstractSet[str]:
        """The pseudonyms of the customers whose consent to a purpose stands."""


@dataclass(frozen=True)
class ConsentedRow:
    """What may be known about one customer for one purpose.

    Attributes:
        key: The customer asked for.
        features: What the store knows; None without consent, then the store was not even asked.
    """

    key: str
    features: OnlineRow | None

    @property
    def consent(self) -> bool:
        """Whether the customer agreed to the purpose."""
        return self.features is not None


class ConsentedFeatures:
    """A reader of online features that keeps to what each customer agreed to."""

    def __init__(self, store: OnlineFeatures, consents: Consents) -> None:
        """Wrap a store.

        Args:
            store: Answers with values.
            consents: Says at each read whose values may be read.
        """
        self._store = store
        self._consents = consents
        self._allowed: set[tuple[str, Purpose]] = set()

    def read(self, service: str, keys: Sequence[str], purpose: Purpose, now: datetime) -> list[ConsentedRow]:
        """The features of a service for each customer, in the order asked, for one purpose.

        Args:
            service: A feature service about customers.
            keys: Customers, by pseudonym.
            purpose: What the values are for.
            now: See `OnlineFeatures`.

        Raises:
            FeatureError: A feature of the service may not be used for the purpose, or the service is
                about items, of which nobody consents.
        """
        if (service, purpose) not in self._allowed:
            _require_purpose(service, purpose)
            self._allowed.add((service, purpose))
        agreed = self._consents.agreed_to(purpose)
        asked = [key for key in keys if key in agreed]
        known = iter(self._store.online(service, asked, now))
        return [ConsentedRow(key, next(known) if key in agreed else None) for key in keys]


def _require_purpose(service: str, purpose: Purpose) -> None:
    if key_of(service) != "customer_id":
        raise FeatureError(f"the service {service!r} is about items, which need no consent; read it directly")
    allowed = purposes_of(service)
    if purpose not in allowed:
        raise FeatureError(
            f"the service {service!r} may not be read for the purpose {purpose!r}: its features are declared "
            f"for {', '.join(sorted(allowed))}; ask another service, or declare the purpose for every feature"
        )
