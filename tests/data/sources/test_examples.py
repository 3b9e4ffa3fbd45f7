"""The documented examples import what they say they import."""

import json
import shutil
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from attune.data.importing import ImportReport, import_tables
from attune.data.sources import mapping
from attune.data.tables import read_table

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
KEY = b"k" * 32


def imported(name: str, folder: Path) -> tuple[Path, ImportReport]:
    shutil.copy(EXAMPLES / name, folder)
    return folder / "tables", import_tables(mapping.load(folder / name), folder / "tables", KEY)


def test_web_analytics_one_event_of_two_items_is_two_interactions(tmp_path):
    two = [
        {"id": "bread", "quantity": 2, "price": 1.5, "discount": 0.5},
        {"id": "milk", "quantity": 1, "price": 1},
    ]
    order = {"name": "purchase", "time": "2017-07-01T10:00:00Z", "order": {"id": "o1"}}
    events = [
        {**order, "user": {"id": "u7"}, "items": [two[0], {**two[1], "discount": 0}]},
        {"name": "page_view", "time": "2017-07-01T09:00:00Z", "user": {"id": "u7"}, "items": [two[1]]},
        {**order, "order": {"id": "o2"}, "user": {"id": "u8"}, "items": [{**two[1], "discount": 0}]},
        {**order, "order": {"id": "o3"}, "items": [{**two[1], "discount": 0}]},
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, events)) + "\n")
    tables, report = imported("web_analytics.yaml", tmp_path)
    rows = read_table(tables, "interactions")
    assert list(rows["interaction_id"]) == ["o1-bread", "o1-milk", "o2-milk"]
    assert list(rows["amount"]) == [3.0, 1.0, 1.0]
    assert [done.rows for done in report.tables["interactions"].cleaned if done.rows] == [1]


def test_crm_customers_and_consents_come_from_a_database_and_places_from_a_table(tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "crm.db") as crm:
        crm.execute("CREATE TABLE contacts (id, age_group, household, postcode, deleted_at)")
        people = [
            (7, "25-34", 2, "10115", None),
            (8, None, 1, "99999", None),
            (9, "65+", 1, "10115", "2017-01-01"),
        ]
        crm.executemany("INSERT INTO contacts VALUES (?, ?, ?, ?, ?)", people)
        crm.execute("CREATE TABLE permissions (contact, purpose, granted, said_at)")
        crm.execute("INSERT INTO permissions VALUES (7, 'churn', 1, '2017-01-01T10:00:00')")
    crm.close()
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path / 'crm.db'}")
    (tmp_path / "postcodes.csv").write_text("postcode,income,housing\n10115,50-74K,Renter\n")
    orders = {
        "contact": [7, 8],
        "product": "bread",
        "order_number": [1, 2],
        "pieces": 1,
        "paid": 2.5,
        "saved": 0.0,
    }
    times = pd.to_datetime(["2017-07-01", "2017-07-02"], utc=True)
    pd.DataFrame({**orders, "ordered_at": times}).to_parquet(tmp_path / "orders.parquet")
    tables, _ = imported("crm.yaml", tmp_path)
    people_read = read_table(tables, "customers").sort_values("age_band")
    assert list(people_read["age_band"]) == ["25-34", "unknown"]
    assert list(people_read["income_band"]) == ["50-74K", "unknown"]
    assert list(people_read["household_size"]) == ["2", "1"]
    assert list(read_table(tables, "consents")["granted"]) == [True]


def test_campaigns_become_messages_with_their_responses(tmp_path):
    (tmp_path / "orders.csv").write_text(
        "customer;article;order;date;quantity;total\n"
        "7;bread;1;01.07.2017 10:00;1;2.5\n"
        "8;milk;2;02.07.2017 10:00;1;1\n"
    )
    (tmp_path / "mailing.csv").write_text(
        "customer;campaign;sent;valid_until;clicked;first_click\n"
        "7;Fr\u00fchling;01.04.2017 08:00;15.04.2017 00:00;yes;02.04.2017 09:30\n"
        "8;Fr\u00fchling;01.04.2017 08:00;15.04.2017 00:00;no;\n",
        encoding="latin-1",
    )
    tables, _ = imported("campaigns.yaml", tmp_path)
    sent = read_table(tables, "messages").sort_values("responded", ascending=False)
    assert list(sent["campaign_id"]) == ["Fr\u00fchling", "Fr\u00fchling"]
    assert list(sent["responded"]) == [True, False]
    assert sent["responded_at"].iloc[0] == pd.Timestamp("2017-04-02 07:30", tz="UTC")
    assert set(sent["channel"]) == {"e-mail"}


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_explained(example):
    text = (EXAMPLES.parent / "import.md").read_text(encoding="utf-8")
    assert f"docs/examples/{example.name}" in text
