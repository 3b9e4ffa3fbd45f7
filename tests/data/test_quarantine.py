import pandas as pd
import pytest

from attune.data.importing import ImportOptions, RefusedImportError, import_tables
from attune.data.tables import read_table
from attune.errors import DataError

KEY = b"k" * 32
ASIDE = ImportOptions(quarantine=True)


@pytest.fixture
def many(raw):
    """Ten lines of two customers; some may be changed."""

    def make(**changes):
        rows = pd.DataFrame(
            {
                "customer_id": ["ann", "bob"] * 5,
                "item_id": "milk",
                "order_id": [str(number) for number in range(10)],
                "event_timestamp": "2017-01-01T10:00",
                "quantity": 1,
                "amount": 2.5,
                "discount": 0.0,
            }
        ).astype(object)
        for column, (row, value) in changes.items():
            rows.loc[row, column] = value
        return raw(interactions=rows)

    return make


def set_aside(folder):
    (file,) = (folder.parent / "quarantine").rglob("interactions.parquet")
    return pd.read_parquet(file)


def test_rows_that_do_not_hold_are_set_aside_with_row_and_reason_and_the_others_are_kept(many, tmp_path):
    raw = many(quantity=(3, "two"), amount=(5, -1))
    report = import_tables(raw, tmp_path / "tables", KEY, options=ASIDE)
    rows = set_aside(tmp_path / "tables")
    assert list(rows["row"]) == [4, 6]
    assert list(rows["reason"]) == ["quantity is not a number", "amount is below 0"]
    assert list(rows["quantity"]) == ["two", "1"]
    assert len(read_table(tmp_path / "tables", "interactions")) == 8
    assert report.tables["interactions"].quarantined == 2
    assert "  2 quarantined: they do not hold, the reason is beside each" in report.lines()
    assert report.checks.accepted
    assert {finding.quarantined for finding in report.checks.findings} == {True}


def test_no_raw_customer_id_lies_in_quarantine(many, tmp_path):
    import_tables(many(quantity=(3, "two")), tmp_path / "tables", KEY, options=ASIDE)
    assert set_aside(tmp_path / "tables")["customer_id"].str.fullmatch(r"c_[0-9a-f]{32}").all()


def test_without_the_option_everything_is_refused_and_nothing_is_set_aside(many, tmp_path):
    with pytest.raises(RefusedImportError, match="is not a number") as caught:
        import_tables(many(quantity=(3, "two")), tmp_path / "tables", KEY)
    (finding,) = caught.value.report.findings
    assert (finding.column, finding.rows, finding.quarantined) == ("quantity", (4,), False)
    assert not list(tmp_path.iterdir())


def test_what_points_to_a_row_that_was_set_aside_is_set_aside_too(many, tmp_path):
    raw = many(customer_id=(9, "cid"))
    people = pd.DataFrame({"customer_id": ["ann", "bob", "cid", "dan", "eve"]})
    spoilt = people.assign(age_band=["25-34", "25-34", "25\ufffd34", "35-44", "35-44"])
    broken = type(raw)(**{**vars(raw), "customers": spoilt})
    import_tables(broken, tmp_path / "tables", KEY, options=ASIDE)
    (reason,) = set_aside(tmp_path / "tables")["reason"]
    assert reason == "customer_id is not in the table customers"
    assert len(read_table(tmp_path / "tables", "customers")) == 4


def test_a_large_part_of_a_table_is_not_set_aside(many, tmp_path):
    raw = many()
    broken = type(raw)(**{**vars(raw), "interactions": raw.interactions.assign(quantity=["x"] * 3 + [1] * 7)})
    with pytest.raises(DataError, match="30% of all rows would be set aside"):
        import_tables(broken, tmp_path / "tables", KEY, options=ASIDE)
    assert not list(tmp_path.iterdir())
