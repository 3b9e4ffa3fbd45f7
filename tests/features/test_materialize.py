"""Bringing snapshots online: what is new, nothing later than the date, and on after a kill."""

import itertools
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from attune.adapters.online_redis import RedisRows
from attune.adapters.online_sqlite import SqliteRows
from attune.adapters.online_stores import ONLINE_STORE_VARIABLE, open_rows
from attune.errors import FeatureError
from attune.features.materialize import materialize, online_as_of
from attune.features.packing import Layout
from attune.features.row_store import RowStore, write_frame
from attune.features.schema import CUSTOMER_PROFILE
from attune.features.snapshots import write_snapshot
from tests.features.purchases import TIME, at

FIRST, SECOND, THIRD = at("2017-06-04"), at("2017-06-11"), at("2017-06-18")
LAYOUT = Layout.of(CUSTOMER_PROFILE)
GROUP = 100
ROWS = 200 * GROUP
projects = itertools.count()


@pytest.fixture(params=["sqlite", "redis"])
def location(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The value of ATTUNE_ONLINE_STORE."""
    url = "" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    monkeypatch.setenv(ONLINE_STORE_VARIABLE, url)
    return url


@pytest.fixture
def store(location: str, tmp_path: Path) -> RowStore:
    project = f"materialize-{next(projects)}"
    return RedisRows(location, project, read_seconds=5) if location else SqliteRows(tmp_path / "online.db")


def profiles(**bands: str) -> pl.DataFrame:
    names = CUSTOMER_PROFILE.feature_names
    rows = [{"customer_id": customer} | dict.fromkeys(names, band) for customer, band in bands.items()]
    return pl.DataFrame(rows, schema=dict.fromkeys(("customer_id", *names), pl.String))


def snapshot(folder: Path, as_of: datetime, fingerprint: str = "made once", **bands: str) -> None:
    file = folder / CUSTOMER_PROFILE.name / f"{as_of:%Y-%m-%d}.parquet"
    write_snapshot(profiles(**bands), file, as_of, fingerprint)


def bring(store: RowStore, folder: Path, as_of: datetime, rebuild: bool = False):
    return materialize(store, folder, [CUSTOMER_PROFILE], as_of, rebuild)


def bands(store: RowStore, *customers: str) -> list[str | None]:
    reader = LAYOUT.reader(["age_band"])
    (rows,) = store.get_many([CUSTOMER_PROFILE.name], customers)
    return [None if row is None else reader.one(row)[1][0] for row in rows]


def test_the_latest_row_as_of_the_date_is_online_and_nothing_later(store, tmp_path):
    snapshot(tmp_path, FIRST, ann="one", bob="one")
    snapshot(tmp_path, SECOND, ann="two")
    snapshot(tmp_path, THIRD, ann="three", zoe="three")
    report = bring(store, tmp_path, SECOND)
    assert bands(store, "ann", "bob", "zoe") == ["two", "one", None]
    assert (report.files, report.rows.written, online_as_of(store)) == (2, 3, SECOND)


def test_a_later_date_reads_only_what_is_new(store, tmp_path):
    snapshot(tmp_path, FIRST, ann="one")
    bring(store, tmp_path, FIRST)
    snapshot(tmp_path, SECOND, ann="two")
    report = bring(store, tmp_path, SECOND)
    assert (report.files, report.kept, bands(store, "ann")) == (1, 1, ["two"])
    assert bring(store, tmp_path, SECOND).files == 0


def test_a_snapshot_that_was_computed_again_or_came_late_is_applied(store, tmp_path):
    snapshot(tmp_path, SECOND, ann="two")
    bring(store, tmp_path, SECOND)
    snapshot(tmp_path, SECOND, "made again", ann="corrected")
    snapshot(tmp_path, FIRST, ann="one", bob="late")
    report = bring(store, tmp_path, SECOND)
    assert (report.files, report.rows.written, report.rows.older) == (2, 2, 1)
    assert bands(store, "ann", "bob") == ["corrected", "late"]


def test_what_was_recorded_after_the_date_waits_for_a_later_one(store, tmp_path):
    late = pl.lit(SECOND).cast(TIME).alias("created_timestamp")
    rows = profiles(ann="known late").with_columns(pl.lit(FIRST).cast(TIME).alias("event_timestamp"), late)
    (tmp_path / CUSTOMER_PROFILE.name).mkdir()
    rows.write_parquet(tmp_path / CUSTOMER_PROFILE.name / "2017-06-04.parquet")
    bring(store, tmp_path, FIRST)
    assert bring(store, tmp_path, FIRST).files == 0
    bring(store, tmp_path, SECOND)
    assert bands(store, "ann") == ["known late"]


def test_back_in_time_needs_a_rebuild_which_leaves_nothing_later(store, tmp_path):
    snapshot(tmp_path, FIRST, ann="one")
    snapshot(tmp_path, SECOND, ann="two", zoe="two")
    bring(store, tmp_path, SECOND)
    with pytest.raises(FeatureError, match="later than 2017-06-04; ask for a rebuild"):
        bring(store, tmp_path, FIRST)
    assert bands(store, "ann", "zoe") == ["two", "two"]
    bring(store, tmp_path, FIRST, rebuild=True)
    assert bands(store, "ann", "zoe") == ["one", None]


def test_what_was_pushed_before_the_first_snapshot_stays(store, tmp_path):
    pushed = profiles(ann="pushed").with_columns(event_timestamp=pl.lit(THIRD).cast(TIME))
    write_frame(store, LAYOUT, "customer_id", pushed, THIRD + timedelta(days=1))
    snapshot(tmp_path, FIRST, ann="one", bob="one")
    bring(store, tmp_path, FIRST)
    assert bands(store, "ann", "bob") == ["pushed", "one"]


def test_a_draft_of_another_date_that_a_kill_left_is_not_published(store, tmp_path):
    draft = store.draft()
    draft.note("as_of", THIRD.isoformat())
    left = profiles(zoe="left over").with_columns(event_timestamp=pl.lit(THIRD).cast(TIME))
    write_frame(draft, LAYOUT, "customer_id", left, THIRD + timedelta(days=1))
    snapshot(tmp_path, FIRST, ann="one")
    bring(store, tmp_path, FIRST)
    assert bands(store, "ann", "zoe") == ["one", None]


def test_a_snapshot_that_lacks_a_feature_is_named_and_leaves_what_is_online(store, tmp_path):
    snapshot(tmp_path, FIRST, ann="one")
    bring(store, tmp_path, FIRST)
    file = tmp_path / CUSTOMER_PROFILE.name / "2017-06-11.parquet"
    write_snapshot(profiles(ann="two").drop("children"), file, SECOND, "other")
    with pytest.raises(FeatureError, match=r"2017-06-11.parquet lacks children; build the features again"):
        bring(store, tmp_path, SECOND)
    assert bands(store, "ann") == ["one"]


KILLED = """
import sys
from datetime import datetime
from pathlib import Path
from attune.adapters.online_stores import open_rows
from attune.features.materialize import materialize
from attune.features.schema import CUSTOMER_PROFILE
folder, project, as_of, rebuild = Path(sys.argv[1]), *sys.argv[2:]
store = open_rows(folder / "online.db", project)
materialize(store, folder, [CUSTOMER_PROFILE], datetime.fromisoformat(as_of), rebuild == "rebuild")
"""


@pytest.mark.parametrize("rebuild", [False, True])
def test_after_a_kill_the_next_run_does_only_the_rest(location, tmp_path, rebuild):
    project = f"killed-{next(projects)}"
    store = open_rows(tmp_path / "online.db", project)
    snapshot(tmp_path, FIRST, c0="old")
    bring(store, tmp_path, FIRST)
    growing = store.draft() if rebuild else store
    file = tmp_path / CUSTOMER_PROFILE.name / "2017-06-11.parquet"
    customers = [f"c{number}" for number in range(ROWS)]
    texts = [f"band {number}" for number in range(ROWS)]
    many = pl.DataFrame({"customer_id": customers} | dict.fromkeys(CUSTOMER_PROFILE.feature_names, texts))
    time_of = pl.lit(SECOND).cast(TIME)
    stamped = many.with_columns(event_timestamp=time_of, created_timestamp=time_of)
    stamped.write_parquet(file, row_group_size=GROUP, metadata={"attune.fingerprint": "many"})

    command = [sys.executable, "-c", KILLED, tmp_path, project, SECOND.isoformat(), "rebuild" * rebuild]
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        while not _group(growing) and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    done = _group(growing)
    assert 0 < done < ROWS // GROUP

    report = bring(store, tmp_path, SECOND, rebuild=rebuild)
    left = ROWS - done * GROUP
    assert report.rows.written + report.rows.duplicate == left
    assert report.rows.duplicate <= GROUP
    patient = RedisRows(location, project, read_seconds=20) if location else store
    assert bands(patient, *customers) == texts


def _group(store: RowStore) -> int:
    """How many row groups of the second snapshot are noted as done."""
    note = store.notes().get(f"{CUSTOMER_PROFILE.name}/2017-06-11.parquet", "")
    last = note.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
