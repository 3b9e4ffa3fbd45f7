from datetime import timedelta

import polars as pl
import pytest

from attune.errors import DataError
from attune.features.schema import CUSTOMER_HISTORY, CUSTOMER_PROFILE, features_of, views_of
from attune.features.snapshots import write_snapshot
from attune.training.leakage import audit_features, audit_windows
from tests.features.purchases import TIME, at

AS_OF = at("2017-06-04")
WEEK = timedelta(days=7)


@pytest.fixture
def snapshot(tmp_path):
    """One customer whose history reaches to a given moment; returns the matching example."""

    def write(last: str) -> pl.DataFrame:
        history = {"history_items": [["bread"]], "history_times": [[int(at(last).timestamp())]]}
        profile = {name: ["told"] for name in CUSTOMER_PROFILE.feature_names}
        activity = {"tenure_days": [1.0], "orders_90d": [1]}
        known = {"customer_history": history, "customer_profile": profile, "customer_activity": activity}
        for view, columns in known.items():
            rows = pl.DataFrame({"customer_id": ["ann"]} | columns)
            write_snapshot(rows, tmp_path / view / "2017-06-04.parquet", AS_OF, "")
        example = {"customer_id": ["ann"], "event_timestamp": [AS_OF]} | history | activity | profile
        served = ["customer_id", "event_timestamp", *features_of("recommend_v1")]
        return pl.DataFrame(example).cast({"event_timestamp": TIME}).select(served)

    return write


def test_every_value_found_again_is_no_violation(snapshot, tmp_path):
    audit = audit_features(snapshot("2017-06-03"), tmp_path, "recommend_v1")
    assert (audit.checked_rows, audit.violations) == (1, 0)
    assert audit.ages["customer_history"].oldest_days == 0


def test_a_snapshot_that_holds_an_event_of_its_own_date_is_found_out(snapshot, tmp_path):
    with pytest.raises(
        DataError, match="1 examples of 'recommend_v1' hold events from their as-of date or later"
    ):
        audit_features(snapshot("2017-06-04"), tmp_path, "recommend_v1")


def test_a_value_that_was_changed_on_the_way_is_found_out(snapshot, tmp_path):
    rows = snapshot("2017-06-03").with_columns(orders_90d=pl.lit(2, dtype=pl.Int64))
    with pytest.raises(DataError, match="1 examples hold values of 'customer_activity'"):
        audit_features(rows, tmp_path, "recommend_v1")


def test_a_value_that_the_store_lost_is_found_out(snapshot, tmp_path):
    names = CUSTOMER_HISTORY.feature_names
    rows = snapshot("2017-06-03")
    rows = rows.with_columns(pl.lit(None, dtype=rows.schema[name]).alias(name) for name in names)
    with pytest.raises(DataError, match="1 examples hold values of 'customer_history'"):
        audit_features(rows, tmp_path, "recommend_v1")


def test_a_planted_column_of_the_future_is_found_out(snapshot, tmp_path):
    rows = snapshot("2017-06-03").with_columns(spend_next_week=pl.lit(9.0))
    with pytest.raises(DataError, match="columns that the service does not have: spend_next_week; declare"):
        audit_features(rows, tmp_path, "recommend_v1")


def test_a_value_of_a_later_snapshot_is_found_out(snapshot, tmp_path):
    rows = snapshot("2017-06-03")
    later = pl.DataFrame({"customer_id": ["ann"], "tenure_days": [8.0], "orders_90d": [5]})
    write_snapshot(later, tmp_path / "customer_activity" / "2017-06-11.parquet", AS_OF + WEEK, "")
    audit_features(rows, tmp_path, "recommend_v1")
    leaked = rows.with_columns(orders_90d=pl.lit(5, dtype=pl.Int64), tenure_days=pl.lit(8.0))
    with pytest.raises(DataError, match="1 examples hold values of 'customer_activity'"):
        audit_features(leaked, tmp_path, "recommend_v1")


def test_a_value_recorded_after_its_row_is_found_out(snapshot, tmp_path):
    rows = snapshot("2017-06-03")
    file = tmp_path / "customer_activity" / "2017-06-04.parquet"
    recorded = pl.lit(AS_OF + timedelta(seconds=1)).cast(TIME).alias("created_timestamp")
    pl.read_parquet(file).with_columns(recorded).write_parquet(file)
    with pytest.raises(DataError, match="1 examples hold values of 'customer_activity'"):
        audit_features(rows, tmp_path, "recommend_v1")


def test_a_purchase_on_the_first_day_of_the_label_is_found_out_by_its_recency(tmp_path):
    types = features_of("churn_v1")
    kinds = {"string": "told", "int64": 1, "float64": 1.0}
    example = {name: [kinds[kind]] for name, kind in types.items()} | {"recency_days": [0.0]}
    for view, names in views_of("churn_v1").items():
        known = pl.DataFrame({"customer_id": ["ann"]} | {name: example[name] for name in names})
        write_snapshot(known, tmp_path / view / "2017-06-04.parquet", AS_OF, "")
    rows = pl.DataFrame({"customer_id": ["ann"], "event_timestamp": [AS_OF]} | example)
    with pytest.raises(
        DataError, match="1 examples of 'churn_v1' hold events from their as-of date or later"
    ):
        audit_features(rows.cast({"event_timestamp": TIME}), tmp_path, "churn_v1")


def test_windows_may_touch_but_not_overlap():
    audit_windows([AS_OF], [AS_OF + WEEK], WEEK, AS_OF + 2 * WEEK)
    with pytest.raises(DataError, match="training labels look until 2017-06-12, past the first test date"):
        audit_windows([AS_OF + timedelta(days=1)], [AS_OF + WEEK], WEEK, AS_OF + 2 * WEEK)
    with pytest.raises(DataError, match="test labels look until 2017-06-18, past 2017-06-17"):
        audit_windows([AS_OF], [AS_OF + WEEK], WEEK, AS_OF + 2 * WEEK - timedelta(days=1))
