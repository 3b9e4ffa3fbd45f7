"""Consents by purpose: no row, no consent; the latest word of a customer counts."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pandas as pd

from attune import columns as c
from attune.data.times import utc
from attune.errors import DataError

PURPOSES = ("recommend", "churn", "response", "segment", "emotion", "analytics")


def agreed(consents: pd.DataFrame, purpose: str) -> frozenset[str]:
    """The customers whose consent to a purpose stands.

    Where a customer said yes and no at the same moment, the no counts.

    Raises:
        DataError: There is no such purpose.
    """
    if purpose not in PURPOSES:
        raise DataError(f"no purpose named {purpose!r}; consent is given for {', '.join(PURPOSES)}")
    asked = consents[consents[c.PURPOSE] == purpose]
    ordered = asked.sort_values([c.EVENT_TIMESTAMP, c.GRANTED], ascending=[True, False], kind="stable")
    last = ordered.drop_duplicates(c.CUSTOMER_ID, keep="last")
    return frozenset(last.loc[last[c.GRANTED].astype(bool), c.CUSTOMER_ID])


def grant_all_but(ids: Iterable[str], share: float, seed: int, at: datetime) -> pd.DataFrame:
    """Play the consents of a data set that has none: all agree to every purpose but a seeded share.

    Who refuses is drawn for each purpose by itself, from the sorted raw ids, so it depends neither on
    the order of the ids nor on the pseudonym key.

    Args:
        ids: Raw customer ids.
        share: Of the customers who refuse, within [0, 1]; above 0 at least one customer refuses.
        seed: Of the draw.
        at: When everybody answered.

    Returns:
        A raw consents table: one row a customer and purpose.
    """
    names = np.array(sorted(set(ids)), dtype=object)
    refusing = 0 if share == 0 else max(1, round(share * len(names)))
    parts = []
    for number, purpose in enumerate(PURPOSES):
        granted = np.ones(len(names), dtype=bool)
        draw = np.random.default_rng([seed, number])
        granted[draw.choice(len(names), size=refusing, replace=False)] = False
        parts.append(pd.DataFrame({c.CUSTOMER_ID: names, c.PURPOSE: purpose, c.GRANTED: granted}))
    table = pd.concat(parts, ignore_index=True)
    table[c.EVENT_TIMESTAMP] = utc(at)
    return table
