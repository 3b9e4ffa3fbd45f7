"""Tables as a source hands them over: raw customer ids, nothing checked yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from attune import columns as c


def no_messages() -> pd.DataFrame:
    """An empty messages table, for a source without campaigns."""
    names = [c.CUSTOMER_ID, c.CAMPAIGN_ID, c.CHANNEL, c.FORMAT]
    names += [c.SENT_AT, c.ENDS_AT, c.RESPONDED, c.RESPONDED_AT]
    return pd.DataFrame({name: [] for name in names})


def no_consents() -> pd.DataFrame:
    """An empty consents table: nobody agreed to anything."""
    names = [c.CUSTOMER_ID, c.PURPOSE, c.GRANTED, c.EVENT_TIMESTAMP]
    return pd.DataFrame({name: [] for name in names})


@dataclass(frozen=True)
class RawTables:
    """What one source knows, in contract columns but with raw ids.

    May be left out of a table, and is then filled: `interaction_id` and `message_id` (derived), `event`
    (a purchase), `created_timestamp` (the event's time), demographics and item descriptions ("unknown").
    `unit_price` may stand for `amount`. A negative quantity is a return. The index of each table numbers the
    rows of the source from 0; messages name them counted from 1.

    Attributes:
        source: What messages call it.
        time_zone: Of the times that carry none.
        time_format: Of times given as text, "ISO8601" or as in `datetime.strptime`.
        not_goods: Raw item ids that are no goods, by the reason why.
        drop_without_customer: Leave out interactions without a customer instead of refusing the table.
        names: What the file calls a column, by (table, contract column), for messages.
    """

    source: str
    customers: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    messages: pd.DataFrame = field(default_factory=no_messages)
    consents: pd.DataFrame = field(default_factory=no_consents)
    time_zone: str = "UTC"
    time_format: str = "ISO8601"
    not_goods: Mapping[str, frozenset[str]] = field(default_factory=dict)
    drop_without_customer: bool = False
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The five tables by name."""
        return {
            "customers": self.customers,
            "items": self.items,
            "interactions": self.interactions,
            "messages": self.messages,
            "consents": self.consents,
        }
