"""Feedback: what became of an answer, kept beside the prediction log under the answer's id."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from serving.lines import SUFFIX, Lines
from serving.problems import AGAIN, Problem
from serving.schemas import FeedbackAnswer, FeedbackRequest

FOLDER = "feedback"


class FeedbackRecord(BaseModel):
    """One line: told twice, it counts once, for it is the same line but for when it arrived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prediction_id: str
    kind: str
    item_id: str | None = None
    at: datetime


class Feedback:
    """Appends what is told; the same promise as the prediction log's."""

    def __init__(self, predictions: Path) -> None:
        self._folder = predictions / FOLDER

    def take(self, question: FeedbackRequest, now: datetime) -> FeedbackAnswer:
        """Keep one feedback.

        Raises:
            Problem: The disk does not take it (503).
        """
        record = FeedbackRecord(
            prediction_id=question.prediction_id,
            kind=question.kind,
            item_id=question.item_id,
            at=question.at or now,
        )
        if not self._written(record):
            raise Problem(503, "feedback-not-kept", "the feedback cannot be kept now; send it again", AGAIN)
        return FeedbackAnswer(prediction_id=question.prediction_id)

    def _written(self, record: FeedbackRecord) -> bool:
        try:
            return self._lines.write(record.model_dump_json(exclude_none=True).encode())
        except OSError:  # no file can be made
            return False

    def close(self) -> None:
        """Bring everything to the disk."""
        if "_lines" in vars(self):
            self._lines.close()

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self._folder)


def read_feedback(predictions: Path) -> Iterator[FeedbackRecord]:
    """Every whole record, file by file."""
    for path in sorted((predictions / FOLDER).glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            for line in file:
                try:
                    yield FeedbackRecord.model_validate_json(line)
                except ValidationError:
                    continue
