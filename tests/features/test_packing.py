"""Packed rows say what was put in, and a row of another layout is refused."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.errors import FeatureError
from attune.features.packing import Layout, times_of

TYPES = {"n": "int64", "share": "float64", "band": "string", "items": "list[string]", "times": "list[int64]"}
DTYPES = {
    "n": pl.Int64(),
    "share": pl.Float64(),
    "band": pl.String(),
    "items": pl.List(pl.String),
    "times": pl.List(pl.Int64),
}
LAYOUT = Layout("shopper", TYPES)
MOMENT = datetime(2020, 1, 1, tzinfo=UTC)
MICROSECONDS = 1_577_836_800_000_000


def table(*rows: dict) -> pl.DataFrame:
    times = {"event_timestamp": MOMENT, "created_timestamp": None}
    zone = pl.Datetime("us", "UTC")
    schema = {"event_timestamp": zone, "created_timestamp": zone} | DTYPES
    return pl.DataFrame([times | row for row in rows], schema=schema)


longs = st.integers(-(2**63), 2**63 - 1)
row = st.fixed_dictionaries(
    {
        "n": st.none() | longs,
        "share": st.none() | st.floats(allow_nan=False),
        "band": st.none() | st.text(max_size=5),
        "items": st.none() | st.lists(st.text(max_size=5), max_size=4),
        "times": st.none() | st.lists(longs, max_size=4),
    }
)


@settings(deadline=None)
@given(st.lists(row, min_size=1, max_size=5))
def test_what_was_packed_is_read_back_one_at_a_time_and_many_at_once(rows):
    packed = LAYOUT.pack(table(*rows))
    names = ["times", "n", "items", "band", "share"]
    reader = LAYOUT.reader(names)
    assert [reader.one(one) for one in packed] == [
        (MICROSECONDS, [row[name] for name in names]) for row in rows
    ]
    many = reader.many(packed)
    assert many.events.tolist() == [MICROSECONDS] * len(rows)
    for name in names:
        nulls = many.nulls.get(name, [False] * len(rows))
        found = [None if null else value for null, value in zip(nulls, many.values[name], strict=True)]
        assert found == [row[name] for row in rows]


def test_an_unknown_creation_time_is_the_time_of_the_event():
    (packed,) = LAYOUT.pack(table({"n": 1}))
    assert times_of(packed) == (MICROSECONDS, MICROSECONDS)


def test_the_order_of_the_columns_is_all_one():
    assert Layout("shopper", dict(reversed(TYPES.items()))).digest == LAYOUT.digest


OTHERS = {
    "a feature more": Layout("shopper", TYPES | {"new": "int64"}),
    "another type": Layout("shopper", TYPES | {"n": "float64"}),
    "another view": Layout("buyer", TYPES),
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_row_of_another_layout_is_refused_by_name(other):
    packed = LAYOUT.pack(table({"n": 1, "band": "x"}))
    reader = OTHERS[other].reader(["n"])
    for read in (lambda: reader.one(packed[0]), lambda: reader.many(packed)):
        with pytest.raises(
            FeatureError, match=f"a row of view '{OTHERS[other].view}' online was written with"
        ):
            read()


@pytest.mark.parametrize("length", [0, 10, 60, -1])
def test_a_row_that_was_cut_short_is_refused(length):
    (packed,) = LAYOUT.pack(table({"n": 1, "band": "a long text that can be cut"}))
    with pytest.raises(FeatureError, match="view 'shopper'"):
        LAYOUT.reader(["n"]).one(packed[:length])


def test_a_missing_feature_is_named():
    with pytest.raises(FeatureError, match="rows of view 'shopper' lack share"):
        LAYOUT.pack(table({"n": 1}).drop("share"))


def test_a_feature_of_another_type_is_named():
    with pytest.raises(FeatureError, match="feature 'n' of view 'shopper' is String, declared is Int64"):
        LAYOUT.pack(table({"n": 1}).with_columns(pl.col("n").cast(pl.String)))


def test_a_list_that_holds_a_null_is_refused():
    with pytest.raises(FeatureError, match="feature 'items' is a list that holds a null"):
        LAYOUT.pack(table({"items": ["a", None]}))


def test_an_unknown_feature_cannot_be_read():
    with pytest.raises(FeatureError, match="view 'shopper' has no feature 'age'"):
        LAYOUT.reader(["age"])
