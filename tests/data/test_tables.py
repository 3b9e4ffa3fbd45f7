import os
import signal
import sys

import pandas as pd
import pytest

from attune.data.tables import data_version, read_table, replace_rows_since, write_tables
from attune.errors import DataError


def day(text):
    return pd.Timestamp(f"2017-{text}", tz="UTC")


def test_what_was_written_is_read(tables, tmp_path):
    write_tables(tmp_path / "tables", tables)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(read_table(tmp_path / "tables", name), table)


def test_interactions_lie_in_one_file_a_month(tables, tmp_path):
    written = write_tables(tmp_path, tables)
    assert written == [
        "customers.parquet",
        "interactions/2017-01.parquet",
        "interactions/2017-02.parquet",
        "items.parquet",
    ]


@pytest.mark.parametrize(
    ("since", "before", "ids"),
    [
        (None, "02-03", ["i0", "i1"]),
        ("01-31", None, ["i1", "i2"]),
        ("01-02", "02-03", ["i1"]),
        ("03-01", None, []),
        (None, "01-01", []),
    ],
)
def test_a_window_holds_its_start_and_not_its_end(tables, tmp_path, since, before, ids):
    write_tables(tmp_path, tables)
    window = {"since": since and day(since), "before": before and day(before)}
    assert list(read_table(tmp_path, "interactions", ["interaction_id"], **window)["interaction_id"]) == ids
    assert list(read_table(tmp_path, "interactions", **window).columns) == list(
        tables["interactions"].columns
    )


def test_a_moment_without_a_time_zone_is_refused(tables, tmp_path):
    write_tables(tmp_path, tables)
    with pytest.raises(DataError, match="has no time zone"):
        read_table(tmp_path, "interactions", before=pd.Timestamp("2017-02-01"))


def test_reading_before_any_import_says_so(tmp_path):
    with pytest.raises(DataError, match="import data first"):
        read_table(tmp_path, "customers")
    with pytest.raises(DataError, match="import data first"):
        data_version(tmp_path)


def test_an_unknown_table_or_column_is_named(tables, tmp_path):
    write_tables(tmp_path, tables)
    with pytest.raises(DataError, match="no table named 'reviews'"):
        read_table(tmp_path, "reviews")
    with pytest.raises(DataError, match="has no column colour"):
        read_table(tmp_path, "items", ["colour"])
    with pytest.raises(DataError, match="messages was not imported"):
        read_table(tmp_path, "messages")


def test_a_file_that_somebody_changed_is_refused(tables, tmp_path):
    write_tables(tmp_path, tables)
    tables["items"].assign(brand="mine").to_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError, match="not what was imported"):
        read_table(tmp_path, "items")


def test_equal_tables_have_equal_versions_and_leave_the_files_alone(tables, tmp_path):
    write_tables(tmp_path, tables)
    before = (data_version(tmp_path), (tmp_path / "interactions/2017-01.parquet").stat().st_mtime_ns)
    shuffled = {name: table.iloc[::-1] for name, table in tables.items()}
    assert write_tables(tmp_path, shuffled) == []
    after = (data_version(tmp_path), (tmp_path / "interactions/2017-01.parquet").stat().st_mtime_ns)
    assert after == before


def test_a_month_that_no_longer_exists_is_removed(tables, tmp_path):
    write_tables(tmp_path, tables)
    version = data_version(tmp_path)
    assert write_tables(tmp_path, {"interactions": tables["interactions"][:2]}) == []
    assert not (tmp_path / "interactions/2017-02.parquet").exists()
    assert data_version(tmp_path) != version
    assert len(read_table(tmp_path, "customers")) == 2


def test_a_table_that_breaks_its_contract_changes_nothing(tables, tmp_path):
    write_tables(tmp_path, tables)
    version = data_version(tmp_path)
    with pytest.raises(DataError, match=r"interactions\.quantity"):
        write_tables(tmp_path, {"interactions": tables["interactions"].assign(quantity=-1.0)})
    with pytest.raises(DataError, match="not in the table customers"):
        write_tables(tmp_path, {"customers": tables["customers"][:1]})
    assert data_version(tmp_path) == version


def test_rows_since_a_date_are_replaced_and_earlier_ones_stay(tables, interactions, tmp_path):
    write_tables(tmp_path, tables)
    new = interactions("bob bread 01-31", "bob bread 02-20").assign(interaction_id=["n0", "n1"])
    replace_rows_since(tmp_path, "interactions", day("01-15"), new)
    assert list(read_table(tmp_path, "interactions")["interaction_id"]) == ["i0", "n0", "n1"]
    with pytest.raises(DataError, match="1 new rows of interactions are earlier"):
        replace_rows_since(tmp_path, "interactions", day("02-01"), new)


def test_a_kill_at_any_point_leaves_all_the_old_or_all_the_new(tables, tmp_path):
    new = {**tables, "interactions": tables["interactions"].assign(quantity=9.0)}
    write_tables(tmp_path / "new", new)
    versions = {data_version(tmp_path / "new")}
    write_tables(tmp_path / "t", tables)
    versions.add(data_version(tmp_path / "t"))
    seen = set()
    for step in range(40):
        write_tables(tmp_path / "t", tables)
        finished = _write_and_die_at(step, tmp_path / "t", new)
        seen.add(data_version(tmp_path / "t"))
        quantities = set(read_table(tmp_path / "t", "interactions")["quantity"])
        assert len(quantities) == 1
        if finished:
            break
    assert finished
    assert seen == versions
    assert not list(tmp_path.glob(".t.incoming"))


def _write_and_die_at(step, folder, tables):
    """Write in a process of its own that is killed at its n-th change of a file; True if it came through."""
    child = os.fork()
    if child == 0:
        left = [step]

        def hook(event, _):
            if event in {"os.rename", "os.remove", "os.mkdir", "shutil.rmtree"}:
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1

        sys.addaudithook(hook)
        try:
            write_tables(folder, tables)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
