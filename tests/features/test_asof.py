"""The point-in-time join equals a search that is too plain to be wrong, whatever the history."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attune.errors import FeatureError
from attune.features import asof_source
from attune.features.asof import DEFAULT_MEMORY, join_as_of
from attune.features.asof_source import BATCH_ROWS, AsOfView
from tests.features.purchases import TIME, at

CASES = int(os.environ.get("ATTUNE_PROPERTY_CASES", "200"))
START = datetime(2024, 3, 30, 22, tzinfo=UTC)  # European clocks change within the hours drawn below
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
LOWEST = datetime(1, 1, 1, tzinfo=UTC)
Key = tuple[str | None, ...]


@dataclass
class Fact:
    """A row of a history."""

    key: Key
    event: datetime
    created: datetime | None
    value: int | None


@dataclass
class Case:
    facts: list[Fact]
    asked: list[tuple[Key, datetime]]
    ttl: timedelta | None
    only_known: bool
    zones: tuple[str, str]
    files: int
    memory: int
    batch: int
    columns: int


def known(case: Case, key: Key, time: datetime) -> int | None:
    """The value by looking at every fact."""
    best: Any = None
    for place, fact in enumerate(case.facts):
        late = case.only_known and (fact.created is None or fact.created > time)
        if None in key or fact.key != key or fact.event > time or late:
            continue
        rank = (fact.event, fact.created or LOWEST, place)
        if best is None or rank > best[0]:
            best = rank, fact
    if best is None or (case.ttl and time > best[1].event + case.ttl):
        return None
    return best[1].value


@st.composite
def cases(draw: st.DrawFn) -> Case:
    columns = draw(st.sampled_from((1, 1, 2)))
    unit = draw(st.sampled_from((timedelta(minutes=30), timedelta(microseconds=1), timedelta(days=40))))
    moments = st.integers(0, 12).map(lambda count: START + count * unit)
    names = st.sampled_from(("ann", "bob", "cid", "", None))
    keys = st.tuples(*[names] * columns)
    facts = st.builds(
        Fact, keys, moments, st.one_of(moments, st.none()), st.one_of(st.none(), st.integers(0, 9))
    )
    return Case(
        facts=draw(st.lists(facts, min_size=1, max_size=25)),
        asked=draw(st.lists(st.tuples(keys, moments), max_size=15)),
        ttl=draw(st.one_of(st.none(), st.integers(1, 6).map(lambda count: count * unit))),
        only_known=draw(st.booleans()),
        zones=draw(st.tuples(*[st.sampled_from(ZONES)] * 2)),
        files=draw(st.integers(1, 3)),
        memory=draw(st.sampled_from((DEFAULT_MEMORY, 1024, 256))),
        batch=draw(st.sampled_from((BATCH_ROWS, 1, 4))),
        columns=columns,
    )


def in_zone(times: Sequence[datetime | None], zone: str) -> pl.Series:
    local = [time and time.astimezone(ZoneInfo(zone)) for time in times]
    return pl.Series(local, dtype=pl.Datetime("us", zone))


def write(case: Case, folder: Path) -> AsOfView:
    facts, names = case.facts, [f"key{number}" for number in range(case.columns)]
    columns = {name: [fact.key[n] for fact in facts] for n, name in enumerate(names)}
    times = {
        "event_timestamp": in_zone([fact.event for fact in facts], case.zones[0]),
        "created_timestamp": in_zone([fact.created for fact in facts], case.zones[0]),
    }
    texts = dict.fromkeys(names, pl.String)
    table = pl.DataFrame(
        columns | times | {"value": [f.value for f in facts]}, schema_overrides=texts | {"value": pl.Int64}
    )
    files = []
    for number, part in enumerate(table.iter_slices(-(-len(table) // case.files))):
        files.append(folder / f"{number}.parquet")
        part.write_parquet(files[-1])
    keys = {name: name for name in names}
    return AsOfView(name="facts", files=tuple(files), keys=keys, features={"value": "value"}, ttl=case.ttl)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_every_value_equals_that_of_a_plain_search(case):
    keys = {f"key{n}": [key[n] for key, _ in case.asked] for n in range(case.columns)}
    times = in_zone([time for _, time in case.asked], case.zones[1])
    rows = pl.DataFrame(keys | {"event_timestamp": times}, schema_overrides=dict.fromkeys(keys, pl.String))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(asof_source, "BATCH_ROWS", case.batch)
        view = write(case, Path(folder))
        answer = join_as_of(rows, [view], only_known=case.only_known, memory=case.memory)
    assert answer.drop("value").equals(rows)
    assert answer["value"].to_list() == [known(case, key, time) for key, time in case.asked]


def facts(*rows: tuple[str, str, int], folder: Path, **columns: Any) -> AsOfView:
    """A view of (customer, time, orders), recorded when it happened."""
    times = [at(time) for _, time, _ in rows]
    table = pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "event_timestamp": times,
            "created_timestamp": times,
            "orders": [row[2] for row in rows],
        }
    ).cast({"event_timestamp": TIME, "created_timestamp": TIME})
    table = table.with_columns(**columns)
    table.write_parquet(folder / "facts.parquet")
    return AsOfView(
        name="activity",
        files=(folder / "facts.parquet",),
        keys={"customer_id": "customer_id"},
        features={"orders": "orders"},
    )


def asked(*rows: tuple[Any, str], **columns: Any) -> pl.DataFrame:
    times = pl.Series([at(row[1]) for row in rows], dtype=TIME)
    return pl.DataFrame({"customer_id": [row[0] for row in rows], "event_timestamp": times} | columns)


def test_many_views_stand_side_by_side_and_other_columns_stay(tmp_path):
    (tmp_path / "more").mkdir()
    first = facts(("ann", "2024-01-01", 1), folder=tmp_path)
    more = facts(("ann", "2024-01-01", 7), ("bob", "2024-01-01", 8), folder=tmp_path / "more")
    second = more.model_copy(update={"name": "total", "features": {"total": "orders"}})
    answer = join_as_of(asked(("bob", "2024-01-02"), ("ann", "2024-01-02"), label=[0, 1]), [first, second])
    assert answer.columns == ["customer_id", "event_timestamp", "label", "orders", "total"]
    assert answer.select("label", "orders", "total").rows() == [(0, None, 8), (1, 1, 7)]


def test_each_view_may_have_a_key_of_its_own_and_another_name_for_it(tmp_path):
    view = facts(("ann", "2024-01-01", 1), folder=tmp_path)
    friend = view.model_copy(update={"keys": {"friend": "customer_id"}, "features": {"theirs": "orders"}})
    answer = join_as_of(asked(("ann", "2024-01-02"), friend=["bob"]), [view, friend])
    assert answer.select("orders", "theirs").rows() == [(1, None)]


def test_whole_numbers_of_any_width_and_categories_are_equal_keys(tmp_path):
    numbers = {"customer_id": pl.Series([1, 2], dtype=pl.Int64)}
    view = facts(("", "2024-01-01", 1), ("", "2024-01-01", 2), folder=tmp_path, **numbers)
    rows = asked((2, "2024-01-02"), (300, "2024-01-02")).with_columns(pl.col("customer_id").cast(pl.Int16))
    assert join_as_of(rows, [view])["orders"].to_list() == [2, None]
    view = facts(("ann", "2024-01-01", 1), folder=tmp_path)
    rows = asked(("ann", "2024-01-02")).with_columns(pl.col("customer_id").cast(pl.Categorical))
    assert join_as_of(rows, [view])["orders"].to_list() == [1]


def test_a_join_that_outgrows_its_memory_says_where_it_is_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    view = facts(*((name, "2024-01-01", ord(name)) for name in "abcdefgh"), folder=tmp_path)
    answer = join_as_of(asked(*((name, "2024-01-02") for name in "hgab")), [view], memory=600)
    assert answer["orders"].to_list() == [ord(name) for name in "hgab"]
    assert "activity: joined part 2 of 2" in capsys.readouterr().out
    assert list(scratch.iterdir()) == []


REFUSED = {
    "a time without a zone": (
        lambda rows: rows.with_columns(pl.col("event_timestamp").dt.replace_time_zone(None)),
        r"column 'event_timestamp' of the rows: found Datetime.*, wanted a time with a zone",
    ),
    "no time": (lambda rows: rows.drop("event_timestamp"), "the rows have no column 'event_timestamp', only"),
    "an empty time": (
        lambda rows: rows.with_columns(pl.lit(None, dtype=TIME).alias("event_timestamp")),
        "1 rows have no 'event_timestamp'",
    ),
    "no key": (lambda rows: rows.drop("customer_id"), "no column 'customer_id', the key of feature view"),
    "a key of another kind": (
        lambda rows: rows.with_columns(customer_id=pl.lit(1)),
        "key 'customer_id' of the rows is Int32, and of feature view 'activity' String",
    ),
    "a feature that is there already": (
        lambda rows: rows.with_columns(orders=pl.lit(1)),
        "feature 'orders' of 'activity' is a column already",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_rows_that_cannot_be_answered_are_refused_in_words(what, tmp_path):
    change, words = REFUSED[what]
    view = facts(("ann", "2024-01-01", 1), folder=tmp_path)
    with pytest.raises(FeatureError, match=words):
        join_as_of(change(asked(("ann", "2024-01-02"))), [view])


def test_files_that_cannot_answer_are_refused_in_words(tmp_path):
    naive = pl.Series([datetime(2024, 1, 1)], dtype=pl.Datetime("us"))
    view = facts(("ann", "2024-01-01", 1), folder=tmp_path, event_timestamp=naive)
    rows = asked(("ann", "2024-01-02"))
    with pytest.raises(FeatureError, match=r"facts.parquet, column 'event_timestamp': found Datetime"):
        join_as_of(rows, [view])
    view = facts(("ann", "2024-01-01", 1), folder=tmp_path)
    with pytest.raises(FeatureError, match="has no column 'spend', which feature view 'activity' declares"):
        join_as_of(rows, [view.model_copy(update={"features": {"spend": "spend"}})])
    with pytest.raises(FeatureError, match="feature view 'activity' has no files"):
        join_as_of(rows, [view.model_copy(update={"files": ()})])
