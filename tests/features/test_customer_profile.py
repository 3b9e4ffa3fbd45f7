import polars as pl

from attune.features.schema import CUSTOMER_PROFILE
from tests.features.computing import computed


def test_what_a_customer_has_not_told_is_unknown():
    told = pl.DataFrame({name: [None, "told"] for name in CUSTOMER_PROFILE.feature_names})
    customers = told.with_columns(customer_id=pl.Series(["bob", "ann"]))
    ann, bob = computed("customer_profile", customers=customers)
    assert tuple(ann.values()) == ("ann", *["told"] * 6)
    assert tuple(bob.values()) == ("bob", *["unknown"] * 6)
