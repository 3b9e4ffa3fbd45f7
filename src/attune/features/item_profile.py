"""item_profile: what each item is."""

import ibis

from attune.columns import ITEM_ID, UNKNOWN
from attune.features.schema import ITEM_PROFILE


def compute(items: ibis.Table) -> ibis.Table:
    """Take the description of every item.

    Args:
        items: The contract table.

    Returns:
        One row an item, sorted; "unknown" where nobody described it.
    """
    described = {name: items[name].cast("string").fill_null(UNKNOWN) for name in ITEM_PROFILE.feature_names}
    return items.select(ITEM_ID, **described).order_by(ITEM_ID)
