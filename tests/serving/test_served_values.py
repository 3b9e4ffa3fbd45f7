"""What the last answers rested on is read from the end of the log."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.prediction_log import PredictionLog, PredictionRecord, ServedFeatures
from serving.served_values import served_values

START = datetime(2017, 10, 1, tzinfo=UTC)


def write(folder: Path, *numbers: int, model: str = "churn", customer: str | None = "c") -> None:
    """One segment of the log; answers are numbered by the second in which they were given."""
    log = PredictionLog(folder)
    for number in numbers:
        record = PredictionRecord(
            prediction_id=str(number),
            at=START + timedelta(seconds=number),
            model=model,
            model_version=1,
            feature_service="churn_v1",
            degraded=[],
            customer=customer,
            features={"customer_activity": ServedFeatures(as_of=START, digest=str(number))},
        )
        assert log.write(record.model_dump(exclude_none=True))
    log.close()


def test_the_newest_answers_of_a_model_come_first_whatever_file_they_are_in(tmp_path):
    write(tmp_path, 1, 2)
    write(tmp_path, 3, model="response")
    write(tmp_path, 4, 5)
    assert [each.digest for each in served_values(tmp_path, 3, "churn")] == ["5", "4", "2"]
    assert [each.digest for each in served_values(tmp_path)] == ["5", "4", "3", "2", "1"]


def test_answers_about_nobody_and_lines_that_were_cut_off_are_passed_over(tmp_path):
    write(tmp_path, 1)
    write(tmp_path, 2, customer=None)
    (segment, *_) = sorted(tmp_path.glob("*.jsonl"))
    with segment.open("ab") as file:
        file.write(b'{"prediction_id":"3","model":"chu')
    assert [each.digest for each in served_values(tmp_path, model="churn")] == ["1"]


def test_no_log_is_no_answer(tmp_path):
    assert served_values(tmp_path / "none") == []
