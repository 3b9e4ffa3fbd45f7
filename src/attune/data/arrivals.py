"""One interaction as it arrives: a JSON object, held against the contract, its customer made a pseudonym."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AwareDatetime, Field, FiniteFloat, ValidationError

from attune import columns as c
from attune.config import Settings
from attune.data.layout import schema_of
from attune.data.pseudonyms import pseudonym
from attune.errors import DataError

Id = Annotated[str, Field(min_length=1, max_length=256)]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]


class Arrival(Settings):
    """What a shop sends; names and meanings are those of the table `interactions`.

    Attributes:
        customer_id: As the shop knows the customer; it goes no further than the door.
        interaction_id: Tells a repetition from a new line; left out, the order and the item do.
        event_timestamp: When it happened, with its offset from UTC.
        created_timestamp: When the shop recorded it; left out, when it arrived.
    """

    customer_id: Id
    item_id: Id
    order_id: Id
    interaction_id: Id | None = None
    event: Literal["purchase", "return"] = "purchase"
    event_timestamp: Moment
    created_timestamp: Moment | None = None
    quantity: FiniteFloat = Field(gt=0)
    amount: FiniteFloat = Field(ge=0)
    discount: FiniteFloat = Field(default=0, ge=0)


def read_arrival(line: str | bytes, key: bytes, now: datetime) -> dict[str, Any]:
    """Read one line of JSON as a row of the table `interactions`.

    Args:
        line: One JSON object.
        key: Of the pseudonyms.
        now: When it arrived.

    Raises:
        DataError: It is no such object; the reason names each field and shows no value.
    """
    try:
        arrival = Arrival.model_validate_json(line, strict=True)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or 'the line'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise DataError(problems) from error
    row = arrival.model_dump()
    row[c.CUSTOMER_ID] = pseudonym(key, arrival.customer_id)
    row[c.INTERACTION_ID] = arrival.interaction_id or f"{arrival.order_id}-{arrival.item_id}"
    row[c.EVENT_TIMESTAMP] = arrival.event_timestamp.astimezone(UTC)
    row[c.CREATED_TIMESTAMP] = (arrival.created_timestamp or now).astimezone(UTC)
    return row


def as_interactions(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows in the columns and types of the contract, numbered from 0."""
    frame = pd.DataFrame(rows, columns=schema_of("interactions").names)
    for column in (c.EVENT_TIMESTAMP, c.CREATED_TIMESTAMP):
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("us")
    return frame.astype(dict.fromkeys((c.QUANTITY, c.AMOUNT, c.DISCOUNT), "float64"))
