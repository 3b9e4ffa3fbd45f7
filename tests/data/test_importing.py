from datetime import UTC, datetime

import pandas as pd
import pytest

from attune.data.importing import import_tables, replace_interactions
from attune.data.tables import data_version, read_table
from attune.errors import DataError

KEY = b"k" * 32


def test_the_raw_id_goes_no_further(raw, tmp_path):
    import_tables(raw(), tmp_path, KEY)
    for name in ("customers", "interactions"):
        assert read_table(tmp_path, name)["customer_id"].str.fullmatch(r"c_[0-9a-f]{32}").all()
    for path in tmp_path.rglob("*.parquet"):
        table = pd.read_parquet(path).astype(str)
        assert not table.isin(["ann", "bob"]).any(axis=None)


def test_ids_that_a_source_lacks_are_derived_the_same_each_time(raw, tmp_path):
    repeated = raw({"order_id": "1", "item_id": "milk", "customer_id": "ann"})
    import_tables(repeated, tmp_path, KEY)
    ids = ["1-milk", "1-milk-2", "1-milk-3"]
    assert list(read_table(tmp_path, "interactions")["interaction_id"]) == ids


def test_until_takes_what_was_known_then(raw, tmp_path):
    messages = pd.DataFrame(
        {
            "customer_id": ["ann", "bob"],
            "campaign_id": [1, 1],
            "channel": "e-mail",
            "format": "offer",
            "sent_at": ["2017-01-10", "2017-03-01"],
            "ends_at": ["2017-02-20", "2017-03-20"],
            "responded": [True, False],
            "responded_at": ["2017-02-15", None],
        }
    )
    report = import_tables(raw(messages=messages), tmp_path, KEY, datetime(2017, 2, 1, tzinfo=UTC))
    assert len(read_table(tmp_path, "interactions")) == 2
    sent = read_table(tmp_path, "messages")
    assert list(sent["responded"]) == [False]
    assert sent["responded_at"].isna().all()
    assert (report.tables["interactions"].later, report.tables["messages"].later) == (1, 1)


def test_an_import_of_nothing_replaces_nothing(raw, tmp_path):
    import_tables(raw(), tmp_path, KEY)
    before = data_version(tmp_path)
    with pytest.raises(DataError, match="no row lies before 1990-01-01 00:00"):
        import_tables(raw(), tmp_path, KEY, datetime(1990, 1, 1, tzinfo=UTC))
    assert data_version(tmp_path) == before


def test_a_later_import_adds_months_and_leaves_the_others_alone(raw, tmp_path):
    import_tables(raw(), tmp_path, KEY, datetime(2017, 2, 1, tzinfo=UTC))
    report = import_tables(raw(), tmp_path, KEY)
    assert report.written == ("interactions/2017-02.parquet",)
    assert import_tables(raw(), tmp_path, KEY).written == ()


def test_the_report_says_what_each_rule_did(raw, tmp_path):
    report = import_tables(raw({"quantity": [1, 0, 3]}), tmp_path, KEY)
    assert report.lines()[:4] == [
        "customers: 2 of 2 rows",
        "items: 2 of 2 rows",
        "interactions: 2 of 3 rows",
        "  1 zero_quantity: nothing was bought: coupon scans and corrections",
    ]
    assert report.data_version == data_version(tmp_path)


NOT_A_NUMBER = r"interactions\.quantity: 1 row: is not a number \(row 2\), for example 'two'"
WRONG = [
    ({"quantity": [1, "two", 3]}, NOT_A_NUMBER),
    (
        {"event_timestamp": ["2017-01-01", "soon", "2017-01-02"]},
        r"event_timestamp: 1 row: .*\(row 2\).*'soon'",
    ),
    ({"event_timestamp": "2099-01-01"}, "event_timestamp: 3 rows: is in the future"),
    ({"interaction_id": ["a", "a", "b"]}, "interaction_id: 2 rows: is there more than once"),
    ({"customer_id": ["ann", None, "ann"]}, r"customer_id: 1 row: is missing \(row 2\)$"),
    ({"customer_id": ["ann", "eve", "ann"]}, r"customer_id: 1 row: is not in the table customers \(row 2\)$"),
    ({"amount": [1, -2, 3]}, r"amount: 1 row: is below 0 \(row 2\), for example -2\.0"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_wrong_interactions_give_one_message_and_change_nothing(raw, tmp_path, changes, message):
    version = import_tables(raw(), tmp_path, KEY).data_version
    with pytest.raises(DataError, match=message):
        import_tables(raw(changes), tmp_path, KEY)
    assert data_version(tmp_path) == version


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"interactions": pd.DataFrame({"customer_id": []})},
            r"interactions\.item_id: this column is missing",
        ),
        ({"customers": pd.DataFrame({"customer_id": []})}, "customers: has no rows"),
        ({"customers": pd.DataFrame({"customer_id": ["ann", "ann"]})}, "one customer only"),
        ({"items": pd.DataFrame({"item_id": ["milk", "milk", "bread"]})}, r"items\.item_id: 2 rows"),
    ],
)
def test_wrong_tables_give_one_message_and_change_nothing(raw, tmp_path, fields, message):
    with pytest.raises(DataError, match=message):
        import_tables(raw(**fields), tmp_path, KEY)
    assert not list(tmp_path.iterdir())


def test_all_violations_arrive_in_one_message_without_raw_ids(raw, tmp_path):
    broken = raw(
        {"quantity": [1, "two", 3], "amount": [1.0, 1.0, -1.0], "customer_id": ["eve", "bob", "ann"]},
        names={("interactions", "quantity"): "Qty in till.csv"},
    )
    with pytest.raises(DataError) as caught:
        import_tables(broken, tmp_path, KEY)
    assert str(caught.value).splitlines() == [
        "3 violations in a small shop; nothing was written:",
        "  interactions.quantity: 1 row: 'Qty in till.csv' is not a number (row 2), for example 'two'",
        "  interactions.amount: 1 row: is below 0 (row 3), for example -1.0",
        "  interactions.customer_id: 1 row: is not in the table customers (row 1)",
    ]


def test_an_import_heals_damaged_tables(raw, tmp_path):
    version = import_tables(raw(), tmp_path, KEY).data_version
    (tmp_path / "tables.json").write_text("{")
    (tmp_path / "items.parquet").write_bytes(b"noise")
    with pytest.raises(DataError, match="import the data again"):
        read_table(tmp_path, "items")
    assert import_tables(raw(), tmp_path, KEY).data_version == version
    assert len(read_table(tmp_path, "items")) == 2


def test_interactions_since_a_date_can_be_replaced(raw, tmp_path):
    import_tables(raw(), tmp_path, KEY)
    table = read_table(tmp_path, "interactions")
    since = datetime(2017, 1, 15, tzinfo=UTC)
    later = table[table["event_timestamp"] >= since].assign(quantity=9.0)
    assert replace_interactions(tmp_path, since, later) == [
        "interactions/2017-01.parquet",
        "interactions/2017-02.parquet",
    ]
    assert list(read_table(tmp_path, "interactions")["quantity"]) == [1.0, 9.0, 9.0]
