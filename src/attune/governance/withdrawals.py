"""Who has withdrawn a consent that a version rested on."""

from datetime import datetime

import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, GRANTED, PURPOSE
from attune.data.consents import agreed


def withdrawn_since(consents: pd.DataFrame, purpose: str, learnt: datetime) -> list[datetime]:
    """When those withdrew who had agreed to a purpose when a version learnt, and no longer do.

    Args:
        consents: The table of consents.
        purpose: The purpose of the version.
        learnt: The moment up to which the version knew everything.

    Returns:
        The moment of each withdrawal, the first one first.

    Raises:
        DataError: There is no such purpose.
    """
    then = agreed(consents[consents[EVENT_TIMESTAMP] <= learnt], purpose)
    left = then - agreed(consents, purpose)
    refused = consents[
        (consents[PURPOSE] == purpose)
        & ~consents[GRANTED].astype(bool)
        & (consents[EVENT_TIMESTAMP] > learnt)
        & consents[CUSTOMER_ID].isin(left)
    ]
    return sorted(moment.to_pydatetime() for moment in refused.groupby(CUSTOMER_ID)[EVENT_TIMESTAMP].min())
