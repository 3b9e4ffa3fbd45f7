import pytest

from attune.errors import DataError
from benchmarks.recommender_data import FOLDER, LOADERS, load

# Customers, items and interactions as the publishers count them, films with fewer than five ratings left out.
SIZES = {
    "movielens_1m": (6040, 3416, 999_611),
    "movielens_100k": (943, 1349, 99_287),
    "amazon_beauty": (22_363, 12_101, 198_502),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_data_set_has_the_size_that_is_published(name):
    if not FOLDER.exists():
        pytest.skip("the public data sets are not there; they may not be passed on with the project")
    table = load(name).interactions
    assert (table["customer_id"].nunique(), table["item_id"].nunique(), len(table)) == SIZES[name]
    assert table.notna().all().all()


def test_online_retail_holds_goods_that_a_customer_bought():
    if not FOLDER.exists():
        pytest.skip("the public data sets are not there; they may not be passed on with the project")
    table = load("online_retail").interactions
    assert not table["item_id"].isin(["POST", "D", "M", "BANK CHARGES", "C2", "DOT"]).any()
    assert table["customer_id"].str.fullmatch(r"[0-9]{5}").all()


@pytest.mark.parametrize("name", sorted(set(LOADERS) - {"complete_journey"}))
def test_a_data_set_that_is_not_there_is_named_with_what_to_do(name, tmp_path):
    with pytest.raises(DataError, match=rf"{name} is not at .* name the folder with --data"):
        load(name, tmp_path)
