import numpy as np
import pandas as pd
import pytest

from attune.errors import ModelError
from attune.models.item_side import feature_codes

TABLE = pd.DataFrame(
    {
        "item_id": ["rye", "bun", "mint", "black", "soap"],
        "category": ["bread", "bread", "tea", "tea", "unknown"],
        "brand": ["own", None, "own", "leaf", "foam"],
        "price": [1.0, 2.0, np.nan, 5.0, np.inf],
    }
)


def test_words_and_numbers_become_codes_and_what_is_not_known_is_zero():
    found = feature_codes(TABLE, ["bun", "rye", "mint", "soap", "caviar"])
    assert found[:, 0].tolist() == [0, 1, 1, 0, 0]  # of brands only one is shared by two items
    assert found[:, 1].tolist() == [1, 1, 0, 0, 0]  # of those asked about only one is of tea
    assert (found[:, 2] == 0).tolist() == [False, False, True, True, True]
    assert found[0, 2] > found[1, 2]


@pytest.mark.parametrize(
    ("table", "message"),
    [(TABLE[["item_id"]], "no feature"), (pd.concat([TABLE, TABLE.iloc[:2]]), "2 items twice")],
)
def test_a_table_that_says_nothing_or_says_it_twice_is_refused(table, message):
    with pytest.raises(ModelError, match=message):
        feature_codes(table, ["rye"])


def test_a_price_that_nobody_knows_teaches_nothing():
    assert feature_codes(TABLE.assign(price=np.nan), ["rye", "bun"])[:, 2].tolist() == [0, 0]
