import pytest

from attune import columns as c
from attune.data.example import write_example
from attune.data.sources import mapping
from attune.data.synthetic import make_shop
from attune.errors import DataError


def test_an_example_is_read_back_as_the_shop_that_it_was_made_of(tmp_path):
    shop = make_shop(customers=20, weeks=4)
    read = mapping.load(write_example(tmp_path / "incoming", shop))
    assert read.source == "synthetic shop 0"
    for name, table in shop.tables().items():
        found = read.tables()[name]
        assert len(found) == len(table) > 0, name
        assert set(found[c.CUSTOMER_ID if name != "items" else c.ITEM_ID]) == set(
            table[c.CUSTOMER_ID if name != "items" else c.ITEM_ID]
        )


def test_a_mapping_that_somebody_wrote_is_not_replaced(tmp_path):
    (tmp_path / "mapping.yaml").write_text("source: mine\n")
    with pytest.raises(DataError, match=r"mapping\.yaml is there already; import it"):
        write_example(tmp_path, make_shop(customers=2, weeks=1))
    assert (tmp_path / "mapping.yaml").read_text() == "source: mine\n"
