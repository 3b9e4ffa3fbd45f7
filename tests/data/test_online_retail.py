import shutil
from pathlib import Path

import pytest

from attune.data.importing import import_tables
from attune.data.sources import mapping
from attune.data.tables import read_table

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "online_retail" / "online_retail.parquet"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the Online Retail data is not at hand")


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("online_retail")
    shutil.copy(ROOT / "docs" / "examples" / "online_retail.yaml", folder)
    (folder / DATA.name).symlink_to(DATA)
    raw = mapping.load(folder / "online_retail.yaml")
    return folder / "tables", import_tables(raw, folder / "tables", b"k" * 32)


def test_the_rules_of_the_mapping_leave_out_what_is_no_purchase_of_a_customer(imported):
    _, report = imported
    table = report.tables["interactions"]
    assert table.read == 541_909
    assert {done.rule: done.rows for done in table.cleaned if done.rule != "not_goods"} == {
        "without_customer": 135_080,
        "missing_product": 0,
        "zero_quantity": 0,
        "zero_price": 34,
        "exact_duplicate": 5_222,
        "return": 8_506,
    }
    assert table.kept == 399_657


def test_cancellations_are_returns_and_the_rest_are_purchases(imported):
    tables, _ = imported
    rows = read_table(tables, "interactions", ["order_id", "event", "quantity", "amount"])
    cancelled = rows["order_id"].str.startswith("C")
    assert (cancelled == (rows["event"] == "return")).all()
    assert (rows["quantity"] > 0).all()


def test_codes_that_are_no_goods_are_gone(imported):
    tables, _ = imported
    codes = {"POST", "D", "M", "BANK CHARGES"}
    assert not codes & set(read_table(tables, "items")["item_id"])
    assert not codes & set(read_table(tables, "interactions", ["item_id"])["item_id"])


def test_the_months_differ_by_themselves(imported):
    tables, _ = imported
    rows = read_table(tables, "interactions", ["event_timestamp", "event", "order_id"])
    bought = rows[rows["event"] == "purchase"]
    times = bought["event_timestamp"].dt
    months = bought.groupby([times.year.rename("year"), times.month.rename("month")])["order_id"].nunique()
    assert len(months) == 13
    assert months[2011, 11] > 2 * months[2011, 2]
