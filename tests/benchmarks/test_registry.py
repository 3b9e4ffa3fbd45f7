"""The faults of the benchmark, fewer of each."""

from pathlib import Path

from benchmarks.registry import (
    corruption_refused_share,
    log_edits_detected_share,
    register_overhead_ratio,
)
from benchmarks.registry_faults import VERSION_FAULTS
from benchmarks.registry_race import promotion_single_winner_share
from benchmarks.registry_rollback import rollback_under_load


def test_every_kind_of_corruption_is_refused_and_named_and_the_last_good_version_serves(
    tmp_path: Path,
) -> None:
    assert corruption_refused_share(tmp_path, len(VERSION_FAULTS)) == 1.0


def test_races_of_threads_and_of_processes_have_one_winner(tmp_path: Path) -> None:
    assert promotion_single_winner_share(tmp_path, rounds=2, agree_within_seconds=60) == 1.0


def test_damage_anywhere_in_the_log_is_found(tmp_path: Path) -> None:
    assert log_edits_detected_share(tmp_path, 20) == 1.0


def test_a_rollback_reaches_the_answers_and_no_application_goes_without_one(tmp_path: Path) -> None:
    slowest, failed, asked = rollback_under_load(tmp_path, 2)
    assert slowest > 0
    assert failed == 0
    assert asked > 0


def test_registering_is_measured_against_copying_and_hashing(tmp_path: Path) -> None:
    assert register_overhead_ratio(tmp_path, 1_000_000) > 0
