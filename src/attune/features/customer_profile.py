"""customer_profile: what a customer has told about the household."""

import polars as pl

from attune.columns import CUSTOMER_ID, UNKNOWN
from attune.features.schema import CUSTOMER_PROFILE


def compute(customers: pl.LazyFrame) -> pl.DataFrame:
    """Take the demographics of every customer.

    Args:
        customers: The contract table.

    Returns:
        One row a customer, sorted; "unknown" where the customer has told nothing.
    """
    names = CUSTOMER_PROFILE.feature_names
    return (
        customers.select(CUSTOMER_ID, pl.col(names).cast(pl.String).fill_null(UNKNOWN))
        .sort(CUSTOMER_ID)
        .collect()
    )
