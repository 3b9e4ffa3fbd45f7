import hashlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from attune.errors import DataError, FeatureError
from attune.features.build import BuildReport, build_features
from attune.features.schema import SERVICES, VIEWS
from attune.features.settings import FeatureSettings
from tests.features.purchases import at, bought, table, write_tables

MAY, JUNE = at("2017-05-07"), at("2017-06-04")
LINES = (
    bought("ann", "bread", "2017-04-20"),
    bought("ann", "milk", "2017-05-02"),
    bought("bob", "bread", "2017-05-20"),
)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_tables(tmp_path / "tables", table(*LINES))
    return tmp_path / "tables"


def build(tables: Path, out: Path, *dates, services: Sequence[str] = ("churn_v1",)) -> BuildReport:
    return build_features(tables, out, dict.fromkeys(services, dates), FeatureSettings())


def contents(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.parquet"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_each_view_has_one_file_a_date_and_the_profile_one_from_the_start(tables, tmp_path):
    build(tables, tmp_path / "out", MAY, JUNE, services=("churn_v1", "recommend_v1"))
    assert list(contents(tmp_path / "out")) == [
        "customer_activity/2017-05-07.parquet",
        "customer_activity/2017-06-04.parquet",
        "customer_history/2017-05-07.parquet",
        "customer_history/2017-06-04.parquet",
        "customer_profile/2017-04-01.parquet",
    ]


def test_columns_are_the_declared_ones_with_times_in_microseconds(tables, tmp_path):
    build(tables, tmp_path / "out", JUNE, services=tuple(SERVICES))
    for name, view in VIEWS.items():
        rows = pl.read_parquet(tmp_path / "out" / name)
        types = {
            "string": pl.String,
            "int64": pl.Int64,
            "float64": pl.Float64,
            "list[string]": pl.List(pl.String),
            "list[int64]": pl.List(pl.Int64),
        }
        time = pl.Datetime("us", "UTC")
        declared = {feature.name: types[feature.type] for feature in view.features}
        stamps = {"event_timestamp": time, "created_timestamp": time}
        assert dict(rows.schema) == {view.key: pl.String} | declared | stamps
        assert rows.null_count().row(0) == (0,) * rows.width
        for feature in (feature for feature in view.features if feature.minimum is not None):
            assert rows[feature.name].min() >= feature.minimum
            assert rows[feature.name].max() <= (feature.maximum or float("inf"))


def test_a_second_build_computes_nothing_and_is_the_same_version(tables, tmp_path):
    first = build(tables, tmp_path / "out", MAY, JUNE)
    again = build(tables, tmp_path / "out", MAY, JUNE)
    assert first.kept == 0
    assert (again.written, again.kept) == ({"customer_activity": [], "customer_profile": []}, 3)
    assert again.version == first.version


def test_snapshots_nobody_asked_for_do_not_change_the_version(tables, tmp_path):
    first = build(tables, tmp_path / "out", MAY)
    build(tables, tmp_path / "out", MAY, JUNE)
    assert build(tables, tmp_path / "out", MAY).version == first.version


def test_date_by_date_makes_the_same_bytes_as_all_at_once(tables, tmp_path):
    build(tables, tmp_path / "whole", MAY, JUNE)
    build(tables, tmp_path / "steps", MAY)
    build(tables, tmp_path / "steps", JUNE)
    assert contents(tmp_path / "steps") == contents(tmp_path / "whole")


def test_a_later_month_leaves_earlier_snapshots_alone(tables, tmp_path):
    before = build(tables, tmp_path / "out", MAY)
    write_tables(tables, table(*LINES, bought("ann", "milk", "2017-06-01")))
    after = build(tables, tmp_path / "out", MAY, JUNE)
    assert before.written["customer_activity"] == [MAY]
    assert after.written["customer_activity"] == [JUNE]


def test_a_corrected_month_is_computed_again_and_what_it_outdates_is_removed(tables, tmp_path):
    first = build(tables, tmp_path / "out", MAY, JUNE)
    write_tables(tables, table(bought("ann", "bread", "2017-04-21"), *LINES[1:]))
    again = build(tables, tmp_path / "out", JUNE)
    assert again.written["customer_activity"] == [JUNE]
    assert again.removed == 1
    assert not (tmp_path / "out/customer_activity/2017-05-07.parquet").exists()
    assert again.version != first.version


def test_other_settings_make_other_snapshots(tables, tmp_path):
    wanted = {"recommend_v1": [JUNE]}
    build_features(tables, tmp_path, wanted, FeatureSettings())
    report = build_features(tables, tmp_path, wanted, FeatureSettings(history_length=1))
    assert report.written["customer_history"] == [JUNE]
    rows = pl.read_parquet(tmp_path / "customer_history/2017-06-04.parquet")
    assert rows["history_items"].to_list() == [["milk"], ["bread"]]


def test_an_unfinished_file_of_a_killed_build_is_no_snapshot(tables, tmp_path):
    unfinished = tmp_path / "out/customer_activity/.2017-06-04.parquet.unfinished"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"half a file")
    build(tables, tmp_path / "out", JUNE)
    assert not unfinished.exists()
    assert len(pl.read_parquet(tmp_path / "out/customer_activity/2017-06-04.parquet")) == 2


def test_a_date_before_all_data_is_refused_in_words(tables, tmp_path):
    with pytest.raises(DataError, match="begin in 2017-04, but features are asked as of 2017-03-05"):
        build(tables, tmp_path / "out", at("2017-03-05"))


def test_no_tables_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="import the tables first"):
        build(tmp_path / "nowhere", tmp_path / "out", JUNE)


def test_a_time_of_day_is_refused_in_words(tables, tmp_path):
    with pytest.raises(FeatureError, match="midnight UTC"):
        build(tables, tmp_path / "out", at("2017-06-04T10:00"))


def test_an_unknown_service_is_refused_in_words(tables, tmp_path):
    with pytest.raises(FeatureError, match="no feature service named 'churn_v9'; there are: churn_v1"):
        build(tables, tmp_path / "out", JUNE, services=("churn_v9",))
