import sqlite3
from pathlib import Path

import pytest

from attune.data.sources import database
from attune.data.sources.database import Query, read_query
from attune.errors import ConfigError, DataError


@pytest.fixture
def shop(tmp_path: Path, monkeypatch) -> Path:
    file = tmp_path / "shop.db"
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("CREATE TABLE sales (who, what)")
        connection.executemany("INSERT INTO sales VALUES (?, ?)", [("ann", 1), ("bob", None), ("cid", 3)])
    connection.close()
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{file}")
    return file


def asked(select: str) -> Query:
    return Query.parse({"url_variable": "SHOP_URL", "select": select})


def test_rows_arrive_as_they_are_whatever_the_size_of_a_part(shop, monkeypatch):
    monkeypatch.setattr(database, "ROWS_AT_A_TIME", 2)
    rows = read_query(asked("SELECT who, what FROM sales ORDER BY who;"))
    assert rows.to_dict("list") == {"who": ["ann", "bob", "cid"], "what": [1, None, 3]}


def test_no_rows_have_their_columns(shop):
    assert list(read_query(asked("SELECT who FROM sales WHERE what > 9"))) == ["who"]


@pytest.mark.parametrize(
    "select", ["DELETE FROM sales", "SELECT 1; DROP TABLE sales", "", "PRAGMA user_version"]
)
def test_what_is_not_one_select_is_refused(select):
    with pytest.raises(ConfigError, match="is not one SELECT"):
        asked(select)


def test_even_a_select_that_writes_changes_nothing(shop):
    with pytest.raises(DataError, match="readonly"):
        read_query(asked("WITH gone AS (SELECT 1) DELETE FROM sales"))
    assert len(read_query(asked("SELECT * FROM sales"))) == 3


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SHOP_URL", raising=False)
    with pytest.raises(ConfigError, match="SHOP_URL is not set"):
        read_query(asked("SELECT 1"))


@pytest.mark.parametrize("url", ["my secret words", "nosuch://me:secret@host/shop"])
def test_no_message_repeats_the_url(monkeypatch, url):
    monkeypatch.setenv("SHOP_URL", url)
    with pytest.raises(ConfigError, match="SHOP_URL holds no URL") as caught:
        read_query(asked("SELECT 1"))
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_table_that_is_not_there_is_named(shop):
    with pytest.raises(DataError, match="the database of SHOP_URL refuses: no such table: gone"):
        read_query(asked("SELECT * FROM gone"))
