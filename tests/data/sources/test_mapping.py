import pandas as pd
import pytest

from attune.data.importing import import_tables
from attune.data.sources import mapping
from attune.data.tables import read_table
from attune.errors import ConfigError, DataError

KEY = b"k" * 32
MAPPING = """
source: my shop
time_zone: Europe/Berlin
interactions:
  file: sales.csv
  separator: ;
  columns:
    customer_id: Who
    item_id: What
    order_id: Bill
    event_timestamp: When
    quantity: Qty
    unit_price: Price
  constants: {discount: 0}
rules:
  drop_without_customer: true
  cancellation_prefix: X
  not_goods: {a fee: [FEE]}
everyone_agreed: {purposes: [churn], since: 2017-01-01}
"""
SALES = """Who;What;Bill;When;Qty;Price
7;bread;1;2017-07-01 10:00;2;1.5
8;milk;2;2017-07-02 10:00;1;1
;milk;3;2017-07-03 10:00;1;1
8;FEE;4;2017-07-04 10:00;1;5
8;milk;X2;2017-07-05 10:00;-1;1
"""


@pytest.fixture
def imported(tmp_path):
    """Imports a mapping with its files; returns the folder of the tables and the report."""

    def run(text=MAPPING, **files):
        (tmp_path / "my.yaml").write_text(text)
        for name, content in {"sales": SALES, **files}.items():
            (tmp_path / f"{name}.csv").write_text(content)
        report = import_tables(mapping.load(tmp_path / "my.yaml"), tmp_path / "tables", KEY)
        return tmp_path / "tables", report

    return run


def test_a_csv_file_becomes_the_contract_tables(imported):
    tables, report = imported()
    rows = read_table(tables, "interactions")
    assert list(rows["order_id"]) == ["1", "2", "X2"]
    assert list(rows["event"]) == ["purchase", "purchase", "return"]
    assert list(rows["quantity"]) == [2.0, 1.0, 1.0]
    assert list(rows["amount"]) == [3.0, 1.0, 1.0]
    assert rows["event_timestamp"][0] == pd.Timestamp("2017-07-01 08:00", tz="UTC")
    assert sorted(read_table(tables, "items")["item_id"]) == ["bread", "milk"]
    assert len(read_table(tables, "customers")) == 2
    assert list(read_table(tables, "consents")["purpose"]) == ["churn", "churn"]
    assert [each.rows for each in report.tables["interactions"].cleaned if each.rows] == [1, 1, 1]


def test_customers_of_their_own_file_bring_what_is_known_of_them(imported):
    customers = "  file: people.csv\n  distinct: true\n  columns: {customer_id: id, age_band: age}\n"
    tables, _ = imported(MAPPING + "customers:\n" + customers, people="id,age\n7,25-34\n8,\n7,35-44\n")
    assert sorted(read_table(tables, "customers")["age_band"]) == ["25-34", "unknown"]


def test_a_violation_is_told_in_the_words_of_the_file(imported):
    broken = SALES.replace("02 10:00;1;1", "02 10:00;one;1").replace("01 10:00;2", "01 10:00;2,5")
    with pytest.raises(DataError, match=r"'Qty in sales\.csv' is not a number") as caught:
        imported(sales=broken)
    assert "2 rows" in str(caught.value)
    assert "(row 1, 2), for example '2,5', 'one'" in str(caught.value)


def test_all_missing_columns_are_named(imported):
    with pytest.raises(DataError) as caught:
        imported(sales=SALES.replace("Qty", "Number").replace("Bill", "No"))
    assert "interactions.order_id: 'Bill in sales.csv' this column is missing" in str(caught.value)
    assert "interactions.quantity: 'Qty in sales.csv' this column is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("sales", "message"),
    [
        ("", "sales.csv is empty"),
        ("Who;What;Bill;When;Qty;Price\n", "sales.csv has no rows"),
        ("Who;What\n1;2\n1;2;3;4\n", "cannot be read as .csv"),
        ("Who;What;Bill;When;Qty;Price\n7;bread;1;2017-07-01;0;1\n8;milk;2;2017-07-01;0;1\n", "leave no row"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(imported, tmp_path, sales, message):
    with pytest.raises(DataError, match=message):
        imported(sales=sales)
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("time_zone: Europe/Berlin", "time_zone: Mars/Olympus", "no time zone 'Mars/Olympus'"),
        ("time_zone:", "timezone:", "timezone: Extra inputs are not permitted"),
        ("unit_price: Price", "price: Price", "the table interactions has no column price"),
        ("[churn]", "[spam]", "no purpose spam"),
        ("everyone_agreed:", "consents: {file: a.csv, columns: {granted: ok}}\neveryone_agreed:", "not both"),
        ("{discount: 0}", "{quantity: 1}", "quantity: comes from two places"),
        ("item_id: What", "item_id: Who", "item_id: Who holds customer ids"),
        ("time_zone:", "time_format: '%Q'\ntime_zone:", "'Q' is a bad directive"),
        ("  separator", "  seperator", r"my\.yaml: .*; interactions knows: file, database, columns"),
    ],
)
def test_a_wrong_mapping_is_refused(imported, old, new, message):
    with pytest.raises(ConfigError, match=message):
        imported(MAPPING.replace(old, new))


def test_a_missing_file_says_where_it_is_looked_for(tmp_path):
    (tmp_path / "my.yaml").write_text(MAPPING)
    with pytest.raises(DataError, match="files are looked for beside the mapping file"):
        mapping.load(tmp_path / "my.yaml")


def test_blanks_around_an_id_make_no_second_customer(imported):
    tables, _ = imported(sales=SALES.replace("\n8;milk;2", "\n 8 ;milk ;2"))
    assert len(read_table(tables, "customers")) == 2
    assert sorted(read_table(tables, "items")["item_id"]) == ["bread", "milk"]


@pytest.mark.parametrize("who", [[7], {"id": 7}, b"7"])
def test_what_lies_within_a_value_is_no_id(tmp_path, who):
    row = {"What": "bread", "Bill": 1, "When": "2017-07-01", "Qty": 1, "Price": 1}
    pd.DataFrame([{"Who": who, **row}, {"Who": who, **row}]).to_parquet(tmp_path / "sales.parquet")
    (tmp_path / "my.yaml").write_text(MAPPING.replace("sales.csv", "sales.parquet"))
    with pytest.raises(
        DataError, match=r"'Who' in sales\.parquet holds a list, an object or bytes \(row 1, 2\)"
    ):
        mapping.load(tmp_path / "my.yaml")
