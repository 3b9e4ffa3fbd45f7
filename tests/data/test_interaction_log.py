"""What arrived since the import is a part of the interactions, in its right place."""

import sqlite3
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from attune.data.interaction_log import SCHEMA, InteractionLog
from attune.data.interactions import known_version, read_interactions
from attune.data.tables import data_version, write_tables
from attune.errors import DataError


@pytest.fixture
def folder(tables, tmp_path) -> Path:
    write_tables(tmp_path / "tables", tables)
    return tmp_path / "tables"


@pytest.fixture
def arrive(interactions):
    def arrive(folder: Path, *rows: str, first: int = 10, **changes: object) -> None:
        frame = interactions(*rows).assign(**changes)
        frame["interaction_id"] = [f"i{first + number}" for number in range(len(frame))]
        log = InteractionLog(folder)
        log.append(pl.from_pandas(frame).cast(dict(SCHEMA)))

    return arrive


def found(folder: Path, **window: object) -> list[tuple[str, str]]:
    rows = read_interactions(folder, **window)
    return list(zip(rows["interaction_id"], rows["item_id"], strict=True))


def test_before_anything_arrives_the_interactions_are_those_of_the_import(folder):
    assert [each for each, _ in found(folder)] == ["i0", "i1", "i2"]
    assert InteractionLog(folder).months() == []
    assert known_version(folder) == data_version(folder)


def test_what_arrives_has_its_place_by_time(folder, arrive):
    before = known_version(folder)
    arrive(folder, "ann milk 01-15", "bob bread 03-01")
    assert [each for each, _ in found(folder)] == ["i0", "i10", "i1", "i2", "i11"]
    window = {"since": pd.Timestamp("2017-01-10", tz="UTC"), "before": pd.Timestamp("2017-02-01", tz="UTC")}
    assert [each for each, _ in found(folder, **window)] == ["i10", "i1"]
    assert known_version(folder) != before


def test_of_a_corrected_interaction_the_last_version_counts_also_where_it_left_the_window(folder, arrive):
    arrive(folder, "ann bread 03-05", first=0, created_timestamp=pd.Timestamp("2017-03-06", tz="UTC"))
    assert found(folder) == [("i1", "milk"), ("i2", "milk"), ("i0", "bread")]
    assert found(folder, before=pd.Timestamp("2017-01-05", tz="UTC")) == []


def test_a_month_is_written_again_only_when_something_arrived_in_it(folder, arrive):
    arrive(folder, "ann milk 01-15", "bob bread 03-01")
    log = InteractionLog(folder)
    january, march = log.months()
    before = january.stat().st_mtime_ns, march.stat().st_ino
    arrive(folder, "bob milk 03-02", first=20)
    assert log.months() == [january, march]
    assert january.stat().st_mtime_ns == before[0]
    assert march.stat().st_ino != before[1]
    assert pl.read_parquet(march)["interaction_id"].to_list() == ["i11", "i20"]


def test_a_row_of_the_log_cannot_be_changed(folder, arrive):
    arrive(folder, "ann milk 01-15")
    with (
        sqlite3.connect(folder.with_name("interaction_log") / "log.db") as database,
        pytest.raises(sqlite3.IntegrityError, match="never changed"),
    ):
        database.execute("UPDATE interactions SET amount = 0")
    database.close()


def test_a_damaged_log_is_refused_in_words(folder, arrive):
    arrive(folder, "ann milk 01-15")
    (folder.with_name("interaction_log") / "log.db").write_bytes(b"no database" * 1000)
    with pytest.raises(DataError, match=r"the interaction log .* cannot be used"):
        read_interactions(folder)
