"""What a back-fill leaves behind when it ends before its time, and how it goes on."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from attune.features.build import build_features
from attune.features.settings import FeatureSettings
from tests.features.purchases import write_tables
from tests.features.random_shop import AS_OF, random_shop
from tests.features.test_build import contents

DATES = [AS_OF - timedelta(days=days) for days in range(8)]
BUILD = """
import resource, sys
from datetime import datetime
from pathlib import Path
from attune.errors import FeatureError
from attune.features.build import build_features
from attune.features.settings import FeatureSettings

tables, out, length, limit, *dates = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
wanted = {"recommend_v1": [datetime.fromisoformat(date) for date in dates]}
try:
    build_features(Path(tables), Path(out), wanted, FeatureSettings(history_length=int(length)))
except FeatureError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    write_tables(tmp_path / "tables", random_shop(seed=3)["interactions"])
    return tmp_path / "tables"


def build(tables: Path, out: Path, length: int = 200) -> None:
    build_features(tables, out, {"recommend_v1": DATES}, FeatureSettings(history_length=length))


def start(tables: Path, out: Path, length: int = 200, limit: int = 0) -> subprocess.Popen[str]:
    dates = [date.isoformat() for date in DATES]
    command = [sys.executable, "-c", BUILD, str(tables), str(out), str(length), str(limit), *dates]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def files(out: Path) -> list[Path]:
    return [file for file in out.rglob("*.parquet") if not file.name.startswith(".")]


def test_a_killed_back_fill_goes_on_where_it_was_and_ends_with_the_same_files(tables, tmp_path):
    build(tables, tmp_path / "whole")
    out = tmp_path / "killed"
    with start(tables, out) as process:
        deadline = time.monotonic() + 60
        while len(files(out)) < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
    done = {file: file.stat().st_mtime_ns for file in files(out)}
    assert 4 <= len(done) < len(contents(tmp_path / "whole"))
    assert (out / ".scratch").exists()
    build(tables, out)
    assert contents(out) == contents(tmp_path / "whole")
    assert {file: file.stat().st_mtime_ns for file in done} == done
    assert not (out / ".scratch").exists()


def test_a_full_disk_is_said_in_words_and_what_was_there_stays(tables, tmp_path):
    build(tables, tmp_path / "out", length=3)
    before = contents(tmp_path / "out")
    with start(tables, tmp_path / "out", length=200, limit=2_000) as process:
        _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "cannot write" in message
    assert "free space" in message
    assert contents(tmp_path / "out") == before
    assert not list((tmp_path / "out").rglob("*.unfinished"))


def test_memory_that_does_not_suffice_is_said_in_words(tables, tmp_path):
    settings = FeatureSettings(memory_gib=0.001)
    with pytest.raises(Exception, match=r"features\.memory_gib"):
        build_features(tables, tmp_path / "out", {"recommend_v1": DATES}, settings)
    assert not files(tmp_path / "out")


def test_one_date_makes_the_file_that_a_back_fill_makes(tables, tmp_path):
    build(tables, tmp_path / "whole")
    build_features(tables, tmp_path / "one", {"recommend_v1": [AS_OF]}, FeatureSettings())
    one = contents(tmp_path / "one")
    assert one.items() <= contents(tmp_path / "whole").items()
    assert len(one) == 3


def test_many_files_a_month_make_the_rows_that_one_makes(tables, tmp_path):
    build(tables, tmp_path / "whole")
    for file in (tables / "interactions").glob("*.parquet"):
        rows = pl.read_parquet(file)
        folder = file.with_suffix("")
        folder.mkdir()
        for number, part in enumerate(rows.iter_slices(20)):
            part.write_parquet(folder / f"part-{number}.parquet")
        file.unlink()
    build(tables, tmp_path / "parts")
    for file in files(tmp_path / "whole"):
        same = tmp_path / "parts" / file.relative_to(tmp_path / "whole")
        assert pl.read_parquet(same).equals(pl.read_parquet(file))
