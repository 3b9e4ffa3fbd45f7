"""The simulations of the benchmark, shorter."""

from pathlib import Path

import pandas as pd

from attune.columns import CUSTOMER_ID
from attune.drift.profile import profile
from attune.drift.reference import ReferenceProfile
from benchmarks.monitoring_decisions import (
    budget_exceeded,
    detected_share,
    equals_told_apart,
    false_retrains,
    null_incident_share,
    storm_retrains,
)
from benchmarks.monitoring_gate import bad_promoted, good_promoted, interval_coverage
from benchmarks.monitoring_replay import features_at
from benchmarks.monitoring_volume import distances, table


def test_without_drift_nothing_is_retrained() -> None:
    assert false_retrains(15) == 0


def test_losses_of_both_kinds_start_a_run_within_two_windows() -> None:
    assert detected_share(6) == 1.0


def test_an_empty_column_is_an_incident() -> None:
    assert null_incident_share(3) == 1.0


def test_a_storm_is_one_run(tmp_path: Path) -> None:
    assert storm_retrains(tmp_path, reports=12) == 1


def test_equals_are_seldom_told_apart() -> None:
    assert equals_told_apart(40, rows=2000) <= 0.05


def test_challengers_that_must_not_serve_do_not_and_better_ones_do() -> None:
    assert bad_promoted(2) == 0
    assert good_promoted(2) == 1.0


def test_intervals_of_groups_hold_as_often_as_they_say() -> None:
    assert 0.88 <= interval_coverage(60) <= 1.0


def test_no_random_order_of_events_exceeds_the_budget() -> None:
    assert budget_exceeded(1000) == 0


def test_every_shape_of_column_is_measured() -> None:
    kept = ReferenceProfile.of(table(2000, 4, 0))
    still, moved = (distances(kept, profile(table(2000, 4, 1) + shift, kept.grids)) for shift in (0, 100))
    assert all(index < 0.1 and (shift or 0) < 0.1 for index, shift in still)
    assert all(index > 1 and (shift or 0) > 1 for index, shift in moved)


def test_the_replay_computes_features_from_what_was_before() -> None:
    lines = pd.DataFrame(
        {
            CUSTOMER_ID: ["ann", "ann", "bob"],
            "order_id": ["1", "2", "3"],
            "event_timestamp": pd.to_datetime(["2011-04-01", "2011-04-29", "2011-05-02"], utc=True),
            "amount": [10.0, 5.0, 1.0],
        }
    )
    rows = features_at(lines, pd.Timestamp("2011-05-01", tz="UTC").to_pydatetime())
    found = rows[["orders_30d", "orders_90d", "spend_30d", "spend_90d", "recency_days"]].to_numpy().tolist()
    assert found == [[2.0, 2.0, 15.0, 15.0, 2.0]]
