import os
import resource
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.prediction_log import PredictionLog, PredictionRecord, read_predictions


def record(number: int) -> PredictionRecord:
    return PredictionRecord(
        prediction_id=str(number),
        at=datetime(2017, 10, 1, tzinfo=UTC),
        model="churn",
        model_version=1,
        feature_service="churn_v1",
        as_of=None,
        degraded=[],
        customer="c_1",
        probability=0.25,
    )


def write(log: PredictionLog, number: int) -> bool:
    return log.write(record(number).model_dump(exclude_none=True))


def ids(folder: Path) -> list[str]:
    return [found.prediction_id for found in read_predictions(folder)]


def test_what_was_written_is_read_back(tmp_path):
    log = PredictionLog(tmp_path)
    assert write(log, 1)
    assert list(read_predictions(tmp_path)) == [record(1)]
    log.close()


def test_only_the_owner_can_read_it(tmp_path):
    PredictionLog(tmp_path / "log").close()
    (file,) = (tmp_path / "log").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_large_file_is_followed_by_another(tmp_path):
    log = PredictionLog(tmp_path, segment_bytes=300)
    assert all(write(log, number) for number in range(6))
    log.close()
    assert len(list(tmp_path.iterdir())) > 1
    assert sorted(ids(tmp_path)) == [str(number) for number in range(6)]


def test_a_line_that_was_cut_off_is_passed_over(tmp_path):
    log = PredictionLog(tmp_path)
    write(log, 1)
    log.close()
    (file,) = tmp_path.iterdir()
    with file.open("ab") as end:
        end.write(b'{"prediction_id": "2", "at":')
    assert ids(tmp_path) == ["1"]


def test_nothing_is_taken_after_the_end(tmp_path):
    log = PredictionLog(tmp_path)
    log.close()
    assert not write(log, 1)


def test_a_full_disk_loses_a_record_and_says_so_but_never_the_next(tmp_path):
    if os.fork() == 0:  # the limit on file sizes is one process's own
        os._exit(_write_beyond_the_limit(tmp_path))
    _, status = os.wait()
    assert os.waitstatus_to_exitcode(status) == 0
    assert ids(tmp_path) == ["1", "3"]


def _write_beyond_the_limit(folder: Path) -> int:
    log = PredictionLog(folder)
    line = len(record(1).model_dump_json(exclude_none=True)) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (line + 20, hard))
    taken = [
        write(log, 1),
        write(log, 2),
    ]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    taken.append(write(log, 3))
    return 0 if taken == [True, False, True] else 1


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_no_record_holds_what_is_not_a_number(score):
    with pytest.raises(ValueError, match="finite number"):
        PredictionRecord.model_validate({**record(1).model_dump(), "probability": score})
