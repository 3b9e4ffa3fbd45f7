import polars as pl
import pytest

from attune.errors import FeatureError
from attune.features.definitions.base import OWNER, Feature, View
from attune.features.expectations import check_rows, require_expected
from attune.features.schema import ITEM_POPULARITY

SHARE = Feature(
    name="share",
    type="float64",
    unit="share",
    description="A share.",
    purposes=("churn",),
    minimum=0,
    maximum=1,
    null_share=0.5,
)
VIEW = ITEM_POPULARITY.model_copy(update={"name": "shares", "features": (SHARE,)})


def found(values: list[float | None], keys: list[str] | None = None, view: View = VIEW) -> list[str]:
    names = keys or [f"item {number}" for number in range(len(values))]
    return [str(each) for each in check_rows(view, pl.DataFrame({"item_id": names, "share": values}))]


def test_rows_as_declared_pass():
    assert found([0.0, 1.0, None, None]) == []
    assert SHARE.owner == OWNER


@pytest.mark.parametrize(
    ("values", "keys", "message"),
    [
        ([0.1, 1.5], None, "1 row: is outside its range, 0 to 1 share, or not finite, for example 1.5"),
        ([-0.1, 0.5], None, "for example -0.1"),
        ([float("nan"), 0.5], None, "for example nan"),
        ([None, None, 0.2], None, "2 rows: is empty, allowed is a share of 0.5"),
        ([0.1, 0.2], ["a", "a"], "shares.item_id: 2 rows: is empty or there more than once"),
        ([1, 0], None, "shares.share: has the type Int64, wanted is Float64"),
    ],
)
def test_what_differs_is_named(values, keys, message):
    assert any(message in line for line in found(values, keys))


def test_other_columns_are_refused_in_words():
    with pytest.raises(FeatureError, match=r"computes \['item_id'\], but its schema declares"):
        require_expected(VIEW, pl.DataFrame({"item_id": ["bread"]}))
