"""Both online stores keep one contract: which row wins, who sees what, and what a failure leaves."""

import itertools
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attune.adapters.online_redis import RedisRows
from attune.adapters.online_sqlite import SqliteRows
from attune.adapters.online_stores import ONLINE_STORE_VARIABLE, open_rows
from attune.errors import ConfigError, FeatureError
from attune.features.packing import Layout
from attune.features.row_store import RowStore, WriteReport, write_frame

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
ORDERS = Layout("activity", {"orders": "int64", "last": "string"})
TIME = pl.Datetime("us", "UTC")
projects = itertools.count()


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RowStore:
    if request.param == "sqlite":
        return SqliteRows(tmp_path / "online.db")
    return RedisRows(request.getfixturevalue("redis_url"), f"project-{next(projects)}", read_seconds=5)


def rows(*told: tuple[str, float, float, int]) -> pl.DataFrame:
    """Rows of customer, hours of event and creation after noon, and orders."""
    return pl.DataFrame(
        {
            "customer_id": [row[0] for row in told],
            "event_timestamp": [NOON + timedelta(hours=row[1]) for row in told],
            "created_timestamp": [NOON + timedelta(hours=row[2]) for row in told],
            "orders": [row[3] for row in told],
            "last": [f"item {row[3]}" for row in told],
        },
        schema_overrides={"event_timestamp": TIME, "created_timestamp": TIME, "customer_id": pl.String},
    )


def write(store: RowStore, *told: tuple[str, float, float, int], now: datetime | None = None) -> WriteReport:
    return write_frame(store, ORDERS, "customer_id", rows(*told), now or NOON + timedelta(days=9))


def orders(store: RowStore, *customers: str) -> list[int | None]:
    reader = ORDERS.reader(["orders"])
    (found,) = store.get_many(["activity"], customers)
    return [None if row is None else reader.one(row)[1][0] for row in found]


def test_rows_come_back_in_the_order_asked_and_strangers_have_none(store):
    assert write(store, ("ann", 0, 0, 1), ("bob", 0, 0, 2)) == WriteReport(written=2)
    assert orders(store, "bob", "zoe", "ann", "bob") == [2, None, 1, 2]
    assert store.get_many(["activity", "profile"], ["ann"])[1] == [None]


RULES = {
    "a later event wins": ((0, 0), (1, 1), "written"),
    "an older event never does": ((1, 1), (0, 2), "older"),
    "the same event created later is a correction": ((0, 0), (0, 1), "written"),
    "the same event created earlier is not": ((0, 1), (0, 0), "older"),
    "the same times said otherwise are a snapshot made again": ((0, 0), (0, 0), "written"),
}


@pytest.mark.parametrize("rule", RULES)
def test_the_newer_row_wins(store, rule):
    first, second, verdict = RULES[rule]
    write(store, ("ann", *first, 1))
    assert write(store, ("ann", *second, 2)) == WriteReport(**{verdict: 1})
    assert orders(store, "ann") == [2 if verdict == "written" else 1]


def test_a_duplicate_changes_nothing_and_is_counted(store):
    write(store, ("ann", 0, 0, 1))
    assert write(store, ("ann", 0, 0, 1), ("ann", 0, 0, 1)) == WriteReport(duplicate=2)


def test_of_many_rows_of_one_customer_in_one_batch_the_newest_wins(store):
    assert write(store, ("ann", 1, 1, 2), ("ann", 0, 5, 1), ("ann", 1, 2, 3)) == WriteReport(1, older=2)
    assert orders(store, "ann") == [3]


def test_what_is_more_than_five_minutes_ahead_is_refused_and_counted(store):
    now = NOON + timedelta(hours=1)
    minutes = [("ann", 1 + 5 / 60, 0, 1), ("bob", 1 + 5.1 / 60, 0, 2)]
    assert write(store, *minutes, now=now) == WriteReport(written=1, future=1)
    assert orders(store, "ann", "bob") == [1, None]


def test_a_row_of_another_layout_is_refused_by_name_and_replaced_by_one_that_fits(store):
    other = Layout("activity", {"orders": "float64"})
    old = rows(("ann", 5, 5, 1)).with_columns(pl.col("orders").cast(pl.Float64))
    write_frame(store, other, "customer_id", old, NOON + timedelta(days=9))
    with pytest.raises(FeatureError, match="view 'activity' online was written with other features or types"):
        orders(store, "ann")
    assert write(store, ("ann", 0, 0, 7)) == WriteReport(written=1)
    assert orders(store, "ann") == [7]


told = st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 3), st.integers(0, 3)).map(
    lambda row: (*row, row[1] * 10 + row[2])  # one event and creation time says one thing
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    st.lists(told, min_size=1, max_size=8).flatmap(
        lambda some: st.tuples(st.just(some), st.permutations(some))
    )
)
def test_the_order_of_writes_does_not_matter(store, ways):
    answers = []
    for order in ways:
        store.wipe()
        for row in order:
            write(store, row)
        answers.append(orders(store, "ann", "bob"))
    truth = [
        max((row[1:3] for row in ways[0] if row[0] == customer), default=None) for customer in ("ann", "bob")
    ]
    assert answers == [[None if best is None else best[0] * 10 + best[1] for best in truth]] * 2


def test_writers_at_the_same_time_lose_nothing(store):
    def write_all(hours: range) -> None:
        for hour in hours:
            write(store, *((f"c{number}", hour, hour, hour) for number in range(20)))

    writers = [threading.Thread(target=write_all, args=[range(start, 40, 4)]) for start in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert orders(store, *(f"c{number}" for number in range(20))) == [39] * 20


def test_a_draft_is_not_seen_until_it_is_published_and_then_it_is_all_there_is(store):
    write(store, ("ann", 0, 0, 1))
    store.note("as_of", "today")
    draft = store.draft()
    write(draft, ("bob", 0, 0, 2))
    draft.note("as_of", "yesterday")
    assert orders(store, "ann", "bob") == [1, None]
    store.publish()
    assert orders(store, "ann", "bob") == [None, 2]
    assert store.notes() == {"as_of": "yesterday"}
    assert store.draft().notes() == {}


def test_a_reader_misses_no_row_while_generations_follow_each_other(store):
    write(store, ("ann", 0, 0, 0))

    def rebuild() -> None:
        for number in range(1, 20):
            write(store.draft(), ("ann", 0, 0, number))
            store.publish()

    writer = threading.Thread(target=rebuild)
    writer.start()
    seen = []
    while writer.is_alive():
        seen += orders(store, "ann")
    writer.join()
    seen += orders(store, "ann")
    assert None not in seen
    assert seen == sorted(seen)
    assert seen[-1] == 19


def test_wiping_a_draft_leaves_what_is_online(store):
    write(store, ("ann", 0, 0, 1))
    write(store.draft(), ("bob", 0, 0, 2))
    store.draft().wipe()
    assert orders(store, "ann") == [1]
    store.publish()
    assert orders(store, "ann", "bob") == [None, None]


def test_a_deleted_customer_is_gone_from_every_view_and_from_drafts(store):
    write(store, ("ann", 0, 0, 1), ("bob", 0, 0, 2))
    write(store.draft(), ("ann", 0, 0, 1))
    assert store.delete(["activity", "profile"], "ann") == 2
    assert orders(store, "ann", "bob") == [None, 2]
    store.publish()
    assert orders(store, "ann") == [None]


def test_reading_before_anything_was_published_is_refused_in_words(store):
    assert not store.published()
    with pytest.raises(FeatureError, match=r"no online features in .* run the features pipeline first"):
        store.get_many(["activity"], ["ann"])


def test_names_with_odd_signs_are_names(store):
    odd = ['a:b"c', "sp ace", "ümlaut", "*", "nul", "nul\0x", "nul\0y", "'", "12", "null", "\\u0000"]
    write(store, *((name, 0, 0, number) for number, name in enumerate(odd)))
    for _ in range(2):  # as asked for the first time, and as planned
        assert orders(store, *odd) == list(range(len(odd)))
        assert [orders(store, name) for name in odd] == [[number] for number in range(len(odd))]


def test_a_full_disk_is_said_and_what_was_online_stays(tmp_path):
    store = SqliteRows(tmp_path / "online.db")
    write(store, ("ann", 0, 0, 1))
    connection = store._open("rwc")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(FeatureError, match="cannot be written: database or disk is full; what was online"):
        write(store, *((f"c{number}", 1, 1, number) for number in range(5_000)))
    assert orders(store, "ann", "c1") == [1, None]


def test_a_file_that_took_the_name_is_read_instead(tmp_path):
    store = SqliteRows(tmp_path / "online.db")
    write(store, ("ann", 0, 0, 1))
    assert orders(store, "ann") == [1]
    for file in tmp_path.iterdir():
        file.unlink()
    write(SqliteRows(tmp_path / "online.db"), ("ann", 0, 0, 2))
    assert orders(store, "ann") == [2]


@pytest.mark.parametrize("others", [[], ["bob"]])
def test_a_damaged_file_is_a_failure_of_the_store_whoever_is_asked_about(tmp_path, others):
    file = tmp_path / "online.db"
    store = SqliteRows(file)
    write(store, *((f"c{number}", 0, 0, number) for number in range(2_000)), ("ann", 0, 0, 1))
    for _ in range(2):  # the second read of one customer takes another way
        assert orders(store, "ann", *others)[0] == 1
    store._open("rw").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as pages:
        pages.seek(100)
        pages.write(b"\xff" * (file.stat().st_size - 100))
    with pytest.raises(FeatureError):
        orders(store, "c1500", *others)  # whose page nobody has read before


def test_reading_does_not_wait_for_a_writer(tmp_path):
    store = SqliteRows(tmp_path / "online.db")
    write(store, ("ann", 0, 0, 1))
    other = sqlite3.connect(tmp_path / "online.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert orders(store, "ann") == [1]
    other.close()


def test_the_configuration_chooses_the_store(tmp_path, monkeypatch):
    monkeypatch.delenv(ONLINE_STORE_VARIABLE, raising=False)
    assert isinstance(open_rows(tmp_path / "online.db"), SqliteRows)
    monkeypatch.setenv(ONLINE_STORE_VARIABLE, "redis://localhost:6379/1")
    assert isinstance(open_rows(tmp_path / "online.db"), RedisRows)
    monkeypatch.setenv(ONLINE_STORE_VARIABLE, "mysql://secret@host")
    with pytest.raises(ConfigError, match="does not begin with redis://"):
        open_rows(tmp_path / "online.db")
