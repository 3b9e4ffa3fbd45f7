"""What a stream delivers, and what of it is refused: known to servers too, which push nothing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Delivery:
    """One interaction as a stream delivers it.

    Attributes:
        id: The stream's name for it, the same at every delivery.
        at: When the stream took it: the time of recording where the interaction says none.
        line: A JSON object, see `Arrival`.
    """

    id: str
    at: datetime
    line: bytes


@dataclass(frozen=True)
class Refusal:
    """An interaction that cannot be taken.

    Attributes:
        reason: Why, without any value.
        row: What of it may be kept: the fields of the contract, the customer by pseudonym.
    """

    reason: str
    row: str
