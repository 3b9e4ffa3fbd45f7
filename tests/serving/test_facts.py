from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from attune import columns as c
from attune.data.tables import write_tables
from attune.errors import DataError
from serving.facts import LatestFacts

ANN, BOB = "c_" + "a" * 32, "c_" + "b" * 32


def moment(day: int) -> pd.Timestamp:
    return pd.Timestamp(datetime(2017, 1, day, tzinfo=UTC)).as_unit("us")


def consents(*answers: tuple[str, str, bool, int]) -> pd.DataFrame:
    rows = [
        {c.CUSTOMER_ID: who, c.PURPOSE: purpose, c.GRANTED: granted, c.EVENT_TIMESTAMP: moment(day)}
        for who, purpose, granted, day in answers
    ]
    return pd.DataFrame(rows).astype({c.EVENT_TIMESTAMP: "datetime64[us, UTC]"})


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    customers = pd.DataFrame(
        [{c.CUSTOMER_ID: who} | dict.fromkeys(c.DEMOGRAPHICS, "unknown") for who in (ANN, BOB)]
    )
    rows = [("bread", "BAKERY"), ("rolls", "BAKERY"), ("milk", "DAIRY")]
    items = pd.DataFrame([{c.ITEM_ID: i, c.DEPARTMENT: d, c.CATEGORY: "x", c.BRAND: "y"} for i, d in rows])
    yes = consents((ANN, "churn", True, 1), (BOB, "churn", True, 1), (BOB, "churn", False, 2))
    write_tables(tmp_path, {"customers": customers, "items": items, "consents": yes})
    return tmp_path


def test_the_latest_word_of_a_customer_counts_for_each_purpose(tables):
    facts = LatestFacts(tables).now
    assert facts.customers == {ANN, BOB}
    assert facts.have_agreement(ANN, "churn")
    assert not facts.have_agreement(ANN, "recommend")
    assert not facts.have_agreement(BOB, "churn")
    assert not facts.have_agreement(ANN, "a purpose that nobody asked for")


def test_items_are_known_by_department(tables):
    facts = LatestFacts(tables).now
    assert facts.departments == {"BAKERY": {"bread", "rolls"}, "DAIRY": {"milk"}}
    assert facts.department_of["milk"] == "DAIRY"


def test_a_withdrawn_consent_counts_once_it_is_written(tables):
    latest = LatestFacts(tables)
    write_tables(tables, {"consents": consents((ANN, "churn", True, 1), (ANN, "churn", False, 3))})
    latest.refresh()
    assert not latest.now.have_agreement(ANN, "churn")


def test_damaged_tables_are_not_taken(tables, caplog):
    latest = LatestFacts(tables)
    before = latest.now
    write_tables(tables, {"consents": consents((ANN, "churn", False, 3))})
    (tables / "consents.parquet").write_bytes(b"nothing")
    latest.refresh()
    assert latest.now is before
    assert "cannot be read again" in caplog.text


def test_without_tables_nothing_is_served(tmp_path):
    with pytest.raises(DataError, match="import"):
        LatestFacts(tmp_path)
