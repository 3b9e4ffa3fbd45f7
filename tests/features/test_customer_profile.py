import polars as pl

from attune.features.customer_profile import compute
from attune.features.schema import CUSTOMER_PROFILE


def test_what_a_customer_has_not_told_is_unknown():
    told = pl.DataFrame({name: [None, "told"] for name in CUSTOMER_PROFILE.feature_names})
    rows = compute(told.with_columns(customer_id=pl.Series(["bob", "ann"])).lazy())
    assert rows.row(0) == ("ann", *["told"] * 6)
    assert rows.row(1) == ("bob", *["unknown"] * 6)
