"""How answers are remembered: in the prediction log before they leave, and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from attune.features.online import OnlineRow
from attune.features.value_digest import digests_of
from serving import metrics
from serving.champions import Champion
from serving.ids import new_id
from serving.prediction_log import PredictionLog
from serving.schemas import Answer, Degradation
from serving.traces import part

COMMON = tuple(Answer.model_fields)


@dataclass(frozen=True)
class Given:
    """An answer and what the log says of it besides.

    Attributes:
        answer: As it will be sent.
        customer: By pseudonym; None where the answer is not about anybody.
        row: What the store said of the customer.
        values: What the record has besides: the probability, or items and scores.
    """

    answer: Answer
    customer: str | None
    row: OnlineRow | None
    values: Mapping[str, Any]


class Records:
    """Writes down each answer; it names the customer only where the answer is about them."""

    def __init__(self, log: PredictionLog) -> None:
        self._log = log

    def remember(self, *answers: Given) -> None:
        """Log answers by one write, and count in which way each was less than it could be."""
        if not answers:
            return
        with part("log"):
            written = self._log.write(*_records(answers))
        if not written:
            metrics.UNLOGGED.inc(len(answers))
        for given in answers:
            for reason in given.answer.degraded:
                metrics.DEGRADED.labels(given.answer.model, reason).inc()


def _records(answers: Sequence[Given]) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    records = []
    for given in answers:
        record = {name: getattr(given.answer, name) for name in COMMON}
        record |= {"at": now, **given.values}
        if given.customer:
            record["customer"] = given.customer
        if given.row:
            record["features"] = digests_of(given.answer.feature_service, given.row)
        records.append(record)
    return records


def about(version: Champion, as_of: datetime | None, degraded: tuple[Degradation, ...]) -> dict[str, Any]:
    """What every answer of a version says about itself, under a new id."""
    return {
        "prediction_id": new_id(),
        "model": version.name,
        "model_version": version.number,
        "feature_service": version.service,
        "as_of": as_of,
        "degraded": list(degraded),
    }
