"""One contract for both databases."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from attune.errors import ConfigError, IntegrityError, PromotionConflictError, RegistryError
from attune.governance.audit import problems
from attune.governance.database import APPROVALS, EVENTS, STAGES, VERSIONS, Database
from attune.governance.heads import Heads
from attune.governance.ledger import Ledger
from attune.governance.manifest import Manifest
from tests.test_registry import origin

FORK = multiprocessing.get_context("fork")
NOW = datetime(2017, 6, 4, tzinfo=UTC)


def manifest(version: int) -> Manifest:
    return Manifest(**origin(version).model_dump(), version=version, parent=None, created_at=NOW, files={})


def filled(ledger: Ledger, versions: int = 9) -> Ledger:
    with ledger.writing() as writer:
        for version in range(1, versions + 1):
            writer.add(manifest(version))
    ledger.promote("churn", 1, None, "first", "training")
    return ledger


def champion(ledger: Ledger) -> tuple[int, int]:
    with ledger.reading() as reader:
        last = reader.last_promotion("churn")
    assert last is not None
    return last.version, last.sequence


def found(ledger: Ledger, folder: Path) -> list[str]:
    heads = Heads(folder / "registry.heads", folder / "keys")
    with ledger.reading() as reader:
        return list(problems(reader, heads, folder / "keys"))


def test_what_was_written_is_found_again(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger, 2)
    with ledger.reading() as reader:
        assert reader.names() == ["churn"]
        assert list(reader.manifests("churn")) == [1, 2]
        assert reader.stages("churn") == {1: "champion", 2: "candidate"}
        assert reader.version_of("churn", manifest(2).run_key) == 2
        assert [event.kind for event in reader.events()] == ["registered", "registered", "promoted"]
    assert found(ledger, tmp_path) == []


def test_who_promotes_against_another_champion_or_an_older_change_is_told(ledger: Ledger) -> None:
    filled(ledger, 3)
    with pytest.raises(PromotionConflictError, match="version 1 of churn became champion"):
        ledger.promote("churn", 2, None, "better", "bob")
    ledger.promote("churn", 2, 1, "better", "ann", sequence=1)
    ledger.roll_back("churn", 2, 1, "worse", "ann")
    # The same champion serves again, but not as he was seen: a writer who was thought dead wakes up.
    with pytest.raises(PromotionConflictError, match="version 3 was compared with version 1 after change 1"):
        ledger.promote("churn", 3, 1, "late", "bob", sequence=1)
    assert champion(ledger) == (1, 3)


def test_a_rollback_goes_one_champion_back_each_time(ledger: Ledger) -> None:
    filled(ledger, 3)
    ledger.promote("churn", 2, 1, "better", "ann")
    ledger.promote("churn", 3, 2, "better", "ann")
    with pytest.raises(RegistryError, match="version 1 of churn is not the champion before 3"):
        ledger.roll_back("churn", 3, 1, "too far", "ann")
    ledger.roll_back("churn", 3, 2, "worse", "ann")
    ledger.roll_back("churn", 2, 1, "worse", "ann")
    with ledger.reading() as reader:
        assert reader.stages("churn") == {1: "champion", 2: "retired", 3: "retired"}


def _promote(ledger: Ledger, version: int, start: Any, results: Callable[[tuple[int, str]], None]) -> None:
    start.wait()
    try:
        ledger.promote("churn", version, 1, "better", f"writer {version}", sequence=1)
    except PromotionConflictError as error:
        results((version, str(error)))
    else:
        results((version, "won"))


def judged(answers: dict[int, str], ledger: Ledger) -> None:
    (winner,) = [version for version, answer in answers.items() if answer == "won"]
    assert len(answers) == 8
    assert sum(f"version {winner} of churn became champion" in answer for answer in answers.values()) == 7
    assert champion(ledger) == (winner, 2)


def test_of_eight_threads_one_wins(ledger: Ledger) -> None:
    filled(ledger)
    answers: list[tuple[int, str]] = []
    start = threading.Barrier(8)
    threads = [
        threading.Thread(target=_promote, args=(ledger, version, start, answers.append))
        for version in range(2, 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judged(dict(answers), ledger)


def test_of_eight_processes_one_wins(ledger: Ledger) -> None:
    filled(ledger)
    results, start = FORK.Queue(), FORK.Barrier(8)
    processes = [
        FORK.Process(target=_promote, args=(ledger, version, start, results.put)) for version in range(2, 10)
    ]
    for process in processes:
        process.start()
    answers = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
    judged(answers, ledger)


def _hold(ledger: Ledger, holding: Any) -> None:
    with ledger.writing() as writer:
        writer.add(manifest(99))
        holding.set()
        time.sleep(60)


def test_a_writer_that_is_killed_holds_nobody_up_and_leaves_nothing(ledger: Ledger) -> None:
    filled(ledger, 2)
    holding = FORK.Event()
    holder = FORK.Process(target=_hold, args=(ledger, holding))
    holder.start()
    assert holding.wait(30)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    started = time.monotonic()
    ledger.promote("churn", 2, 1, "better", "ann")
    assert time.monotonic() - started < 10
    with ledger.reading() as reader:
        assert list(reader.manifests("churn")) == [1, 2]


def change(database: str, *statements: sql.Executable) -> None:
    """Write past the ledger."""
    with Database(database).writing() as connection:
        for statement in statements:
            connection.execute(statement)


def edit(**values: Any) -> Callable[[], list[sql.Executable]]:
    return lambda: [sql.update(EVENTS).where(EVENTS.c.sequence == 4).values(**values)]


def renumber(number: int, other: int) -> sql.Executable:
    return sql.update(EVENTS).where(EVENTS.c.sequence == number).values(sequence=other)


DAMAGE: dict[str, tuple[Callable[[], list[sql.Executable]], str]] = {
    "an edit": (edit(details='{"reason": "bribed"}'), "event 4 .* was changed"),
    "another version": (edit(version=2), "event 4 .* was changed"),
    "a forged signature": (edit(signature="0" * 128), "event 4 .* was not signed by this workspace"),
    "a deletion": (lambda: [sql.delete(EVENTS).where(EVENTS.c.sequence == 2)], "event 2 .* is missing"),
    "a swap": (lambda: [renumber(1, 77), renumber(2, 1), renumber(77, 2)], "event 1 .* was changed"),
    "a cut tail": (lambda: [sql.delete(EVENTS).where(EVENTS.c.sequence >= 4)], "its tail was cut"),
    "everything gone": (lambda: [sql.delete(EVENTS)], "its tail was cut"),
    "another stage": (
        lambda: [sql.update(STAGES).where(STAGES.c.version == 2).values(stage="canary")],
        "version 2 of churn is candidate by the log, but canary",
    ),
    "another manifest": (
        lambda: [sql.update(VERSIONS).where(VERSIONS.c.version == 2).values(manifest=b"{}")],
        "the manifest of version 2 of churn",
    ),
    "an approval of nobody": (
        lambda: [sql.insert(APPROVALS).values(digest="a" * 64, name="churn", version=1, document=b"")],
        "approval aaaaaaaaaaaa of version 1 of churn is only in the table",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_to_the_record_is_found_and_named(
    ledger: Ledger, database: str, tmp_path: Path, damage: str
) -> None:
    filled(ledger, 3)
    statements, said = DAMAGE[damage]
    change(database, *statements())
    with pytest.raises(IntegrityError, match=said):
        raise IntegrityError(next(iter(found(ledger, tmp_path)), "nothing was found"))


@pytest.mark.parametrize("damage", ["an edit", "another version", "a forged signature", "a cut tail"])
def test_nobody_reads_a_champion_out_of_a_damaged_log_or_goes_on_writing_it(
    ledger: Ledger, database: str, damage: str
) -> None:
    filled(ledger, 3)
    change(database, *DAMAGE[damage][0]())
    with pytest.raises(IntegrityError):
        champion(ledger)
    with pytest.raises(IntegrityError):
        ledger.promote("churn", 2, 1, "better", "ann")


@pytest.mark.parametrize("cut", [0, 1])
def test_without_its_signed_heads_the_log_is_not_believed(ledger: Ledger, tmp_path: Path, cut: int) -> None:
    filled(ledger, 1)
    heads = tmp_path / "registry.heads"
    if cut:
        heads.write_bytes(b"")
    else:
        heads.unlink()
    with pytest.raises(IntegrityError, match="signed head"):
        champion(ledger)


def test_a_head_that_a_full_disk_cut_off_is_written_again(ledger: Ledger, tmp_path: Path) -> None:
    filled(ledger, 2)
    heads = tmp_path / "registry.heads"
    heads.write_bytes(heads.read_bytes()[:-20])
    assert champion(ledger) == (1, 1)
    ledger.promote("churn", 2, 1, "better", "ann")
    assert found(ledger, tmp_path) == []


def test_a_database_that_is_not_there_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ann:secret@127.0.0.1:9/registry"
    with pytest.raises(RegistryError, match=r"ann:\*\*\*@127.0.0.1:9/registry cannot be used") as refused:
        Ledger(url, tmp_path / "keys", tmp_path / "heads")
    assert "secret" not in str(refused.value)
    with pytest.raises(ConfigError, match="names no database that can be used"):
        Ledger("mongodb://x", tmp_path / "keys", tmp_path / "heads")


def test_a_database_that_is_damaged_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "registry.db"
    file.write_bytes(b"noise" * 2000)
    with pytest.raises(RegistryError, match=r"registry\.db cannot be used \(file is not a database\)"):
        Ledger(f"sqlite:///{file}", tmp_path / "keys", tmp_path / "heads")
