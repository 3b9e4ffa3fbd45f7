"""Shadows: versions that are asked what was answered, after it was, and whose answers nobody sees."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, FiniteFloat

from serving import examples, metrics
from serving.asking import probabilities
from serving.champions import Champion
from serving.lines import Lines
from serving.lineup import part_of
from serving.reads import Reader
from serving.schemas import Answer, ChurnAnswer, RecommendAnswer
from serving.settings import ServingSettings

log = logging.getLogger("bentoml.attune")

FOLDER = "shadow"
MOST_WAITING = 100


class Comparison(BaseModel):
    """One line of the shadow log: what was answered, and what the shadow would have.

    Attributes:
        difference: Of a probability: the shadow's less the one that was answered.
        overlap: Of a recommendation: the share of the items that both name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prediction_id: str
    at: datetime
    model: str
    model_version: int
    shadow_version: int
    probability: FiniteFloat | None = None
    difference: FiniteFloat | None = None
    items: list[str] | None = None
    overlap: FiniteFloat | None = None


class Shadows:
    """Asks shadows one after the other, in a thread of its own; what it cannot do in time it leaves."""

    def __init__(self, reader: Reader, folder: Path, settings: ServingSettings) -> None:
        self._reader = reader
        self._folder = folder / FOLDER
        self._share = settings.shadow_share
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._waiting = 0

    def score(self, shadow: Champion, answer: ChurnAnswer, customer: str, now: datetime) -> None:
        """Compare a probability, soon."""
        self._submit(shadow, customer, lambda: self._scored(shadow, answer, customer, now))

    def recommend(self, shadow: Champion, answer: RecommendAnswer, customer: str, now: datetime) -> None:
        """Compare a personal recommendation, soon."""
        self._submit(shadow, customer, lambda: self._recommended(shadow, answer, customer, now))

    def close(self) -> None:
        """Finish what was begun and leave the rest."""
        self._thread.shutdown(cancel_futures=True)
        if "_lines" in vars(self):
            self._lines.close()

    @cached_property
    def _lines(self) -> Lines:
        """Opened with the first comparison: most servers have no shadow."""
        return Lines(self._folder)

    def _submit(self, shadow: Champion, customer: str, compare: Callable[[], Comparison | None]) -> None:
        if part_of(shadow.name, customer) >= self._share:
            return
        if self._waiting >= MOST_WAITING:
            metrics.SHADOWS.labels(shadow.name, "left").inc()
            return
        self._waiting += 1
        self._thread.submit(self._compare, shadow, compare)

    def _compare(self, shadow: Champion, compare: Callable[[], Comparison | None]) -> None:
        try:
            found = compare()
            if found:
                self._lines.write(found.model_dump_json(exclude_none=True).encode())
        except Exception as error:  # noqa: BLE001 - whatever a version on trial raises, answers go on
            metrics.SHADOWS.labels(shadow.name, "failed").inc()
            log.error("shadow %d of %s failed with %s", shadow.number, shadow.name, type(error).__name__)
            return
        finally:
            self._waiting -= 1
        if found:
            metrics.SHADOWS.labels(shadow.name, "compared").inc()

    def _scored(
        self, shadow: Champion, answer: ChurnAnswer, customer: str, now: datetime
    ) -> Comparison | None:
        reading = self._reader.read(shadow, customer, now)
        if reading.values is None or reading.as_of is None:
            return None
        score = float(probabilities(shadow, [reading.values], reading.as_of)[0])
        difference = score - answer.probability
        return Comparison(**_what(shadow, answer), probability=score, difference=difference)

    def _recommended(
        self, shadow: Champion, answer: RecommendAnswer, customer: str, now: datetime
    ) -> Comparison | None:
        reading = self._reader.read(shadow, customer, now)
        answered = [item.item_id for item in answer.items]
        if reading.values is None or reading.as_of is None or not answered:
            return None
        frame = examples.example(reading.values, reading.as_of)
        found, _ = shadow.model.recommend(frame, len(answered))
        items = [str(item) for item in found[0] if item is not None]
        overlap = len(set(items) & set(answered)) / len(answered)
        return Comparison(**_what(shadow, answer), items=items, overlap=overlap)


def _what(shadow: Champion, answer: Answer) -> dict[str, Any]:
    return {
        "prediction_id": answer.prediction_id,
        "at": datetime.now(UTC),
        "model": answer.model,
        "model_version": answer.model_version,
        "shadow_version": shadow.number,
    }
