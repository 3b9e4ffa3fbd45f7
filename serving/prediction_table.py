"""The prediction log as tables: Parquet by day and model, and each answer beside what became of it.

`tables/day=2017-10-08/model=churn/<segment>.parquet` is made from the lines of one segment that nobody writes
any more. A segment is made once, its files are renamed into place, and the lines stay: they are the log.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from serving.feedback import read_feedback
from serving.lines import SUFFIX
from serving.prediction_log import PredictionRecord, parse

FOLDER = "tables"
MADE = ".made"
FEATURES = "features"
TIME = pl.Datetime("us", "UTC")
SCHEMA = pl.Schema(
    {
        "prediction_id": pl.String(),
        "at": TIME,
        "model": pl.String(),
        "model_version": pl.Int64(),
        "feature_service": pl.String(),
        "as_of": TIME,
        "degraded": pl.List(pl.String()),
        "customer": pl.String(),
        "probability": pl.Float64(),
        "items": pl.List(pl.String()),
        "scores": pl.List(pl.Float64()),
    }
)
FEEDBACK = pl.Schema(
    {"prediction_id": pl.String(), "kind": pl.String(), "item_id": pl.String(), "told_at": TIME}
)


def compact(predictions: Path) -> list[Path]:
    """Make Parquet of every finished segment that was not made yet.

    Args:
        predictions: The folder of the log.

    Returns:
        The files that are new.
    """
    target = predictions / FOLDER
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    new: list[Path] = []
    for segment in finished(predictions):
        made = target / f".{segment.stem}{MADE}"
        if made.exists():
            continue
        with segment.open("rb") as lines:
            rows = _frame(filter(None, map(parse, lines)))
        new += _write(rows, target, segment.stem)
        made.touch(mode=0o600)
    return new


def finished(predictions: Path) -> list[Path]:
    """The segments that nobody writes any more: their process has ended, or began another since."""
    segments = sorted(predictions.glob(f"*{SUFFIX}"))
    last_of = {_process(segment): segment for segment in segments}
    return [each for each in segments if each != last_of[_process(each)] or not _lives(_process(each))]


def joined(predictions: Path) -> pl.DataFrame:
    """Each answer with what was told of it afterwards; an answer of which nothing was told is there once.

    Args:
        predictions: The folder of the log.

    Returns:
        The columns of the log, then kind, item_id and told_at; feedback that was told twice is there once.
    """
    answers = _frame(
        record
        for segment in sorted(predictions.glob(f"*{SUFFIX}"))
        for record in filter(None, map(parse, segment.read_bytes().splitlines()))
    )
    told = [(each.prediction_id, each.kind, each.item_id, each.at) for each in read_feedback(predictions)]
    feedback = pl.DataFrame(told, schema=FEEDBACK, orient="row").sort("told_at", maintain_order=True)
    once = feedback.unique(["prediction_id", "kind", "item_id"], keep="first", maintain_order=True)
    return answers.unique("prediction_id", maintain_order=True).join(once, on="prediction_id", how="left")


def _frame(records: Iterable[PredictionRecord]) -> pl.DataFrame:
    rows = [record.model_dump(exclude={FEATURES}) for record in records]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _write(rows: pl.DataFrame, target: Path, segment: str) -> list[Path]:
    written = []
    dated = rows.with_columns(pl.col("at").dt.strftime("%Y-%m-%d").alias("day"))
    for (day, model), part in dated.group_by("day", "model", maintain_order=True):
        file = target / f"day={day}" / f"model={model}" / f"{segment}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
        part.drop("day").write_parquet(unfinished, compression="zstd")
        unfinished.chmod(0o600)
        unfinished.replace(file)
        written.append(file)
    return written


def _process(segment: Path) -> int:
    return int(segment.stem.split("-")[1])


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
