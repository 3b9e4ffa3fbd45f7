"""What every kind of answer rests on."""

from dataclasses import dataclass
from datetime import UTC, datetime

from attune.data.pseudonyms import pseudonym
from serving.facts import LatestFacts
from serving.lineup import Lineup
from serving.reads import Reader
from serving.records import Records
from serving.settings import ServingSettings
from serving.shadows import Shadows


@dataclass(frozen=True)
class Ground:
    """The parts that answers share.

    Attributes:
        lineup: Which version answers whom.
        reader: What is known of a customer.
        facts: Who is known and what is sold.
        records: Remembers each answer.
        shadows: Asks versions whose answers nobody sees.
        key: Turns customer ids into pseudonyms.
        settings: The time that requests count as.
    """

    lineup: Lineup
    reader: Reader
    facts: LatestFacts
    records: Records
    shadows: Shadows
    key: bytes
    settings: ServingSettings

    def now(self) -> datetime:
        """The moment that a request counts as."""
        return self.settings.moment(datetime.now(UTC))

    def pseudonym(self, customer_id: str) -> str:
        """What a customer is called inside."""
        return pseudonym(self.key, customer_id)
