import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from serving.feedback import Feedback
from serving.prediction_log import PredictionLog, PredictionRecord
from serving.prediction_table import compact, finished, joined
from serving.schemas import FeedbackRequest

NOW = datetime(2017, 10, 8, 9, tzinfo=UTC)


def record(number: int, model: str = "churn", day: int = 8) -> PredictionRecord:
    return PredictionRecord(
        prediction_id=f"{number:032x}",
        at=datetime(2017, 10, day, tzinfo=UTC),
        model=model,
        model_version=1,
        feature_service=f"{model}_v1",
        degraded=[],
        probability=0.25,
    )


def written(folder: Path, *records: PredictionRecord, ended: bool = True) -> None:
    log = PredictionLog(folder)
    assert all(log.write(each.model_dump(exclude_none=True)) for each in records)
    log.close()
    if ended:
        # As if a process that has ended had written it: no process has this number.
        for file in folder.glob(f"*-{os.getpid()}-*.jsonl"):
            file.rename(file.with_name(file.name.replace(f"-{os.getpid()}-", "-4194305-")))


def test_each_day_and_model_has_a_folder_and_a_segment_is_made_once(tmp_path):
    written(tmp_path, record(1), record(2, "recommend"), record(3, day=9))
    new = {str(file.parent.relative_to(tmp_path / "tables")) for file in compact(tmp_path)}
    assert new == {
        "day=2017-10-08/model=churn",
        "day=2017-10-08/model=recommend",
        "day=2017-10-09/model=churn",
    }
    assert compact(tmp_path) == []
    table = pl.read_parquet(tmp_path / "tables" / "day=2017-10-08" / "model=churn")
    assert table["prediction_id"].to_list() == [f"{1:032x}"]


def test_what_is_still_written_is_left_alone(tmp_path):
    written(tmp_path, record(1), ended=False)
    assert finished(tmp_path) == []
    assert compact(tmp_path) == []


def test_an_answer_stands_beside_what_became_of_it(tmp_path):
    written(tmp_path, record(1), record(2))
    feedback = Feedback(tmp_path)
    for _ in range(2):  # told twice, it counts once
        feedback.take(FeedbackRequest(prediction_id=f"{1:032x}", kind="left"), NOW)
    feedback.take(FeedbackRequest(prediction_id=f"{9:032x}", kind="left"), NOW)
    feedback.close()
    rows = joined(tmp_path).sort("prediction_id").select("probability", "kind", "told_at").rows()
    assert rows == [(0.25, "left", NOW), (0.25, None, None)]
