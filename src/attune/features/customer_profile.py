"""customer_profile: what a customer has told about the household."""

import ibis

from attune.columns import CUSTOMER_ID, UNKNOWN
from attune.features.schema import CUSTOMER_PROFILE


def compute(customers: ibis.Table) -> ibis.Table:
    """Take the demographics of every customer.

    Args:
        customers: The contract table.

    Returns:
        One row a customer, sorted; "unknown" where the customer has told nothing.
    """
    told = {
        name: customers[name].cast("string").fill_null(UNKNOWN) for name in CUSTOMER_PROFILE.feature_names
    }
    return customers.select(CUSTOMER_ID, **told).order_by(CUSTOMER_ID)
