"""How an answer is remembered: in the prediction log before it leaves, and counted."""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from attune.features.online import OnlineRow
from attune.features.value_digest import digests_of
from serving import metrics
from serving.champions import Champion
from serving.prediction_log import PredictionLog, PredictionRecord
from serving.schemas import Answer, Degradation
from serving.traces import part


class Records:
    """Writes down each answer; it names the customer only where the answer is about them."""

    def __init__(self, log: PredictionLog) -> None:
        self._log = log

    def remember(self, answer: Answer, customer: str | None, row: OnlineRow | None, **given: Any) -> None:
        """Log an answer and count in which way it was less than it could be.

        Args:
            answer: As it will be sent.
            customer: By pseudonym; None where the answer is not about anybody.
            row: What the store said of the customer.
            given: What the record has besides: the probability, or items and scores.
        """
        said = {name: getattr(answer, name) for name in Answer.model_fields}
        if row:
            said["features"] = digests_of(answer.feature_service, row)
        record = PredictionRecord(**said, at=datetime.now(UTC), customer=customer, **given)
        with part("log"):
            written = self._log.write(record)
        if not written:
            metrics.UNLOGGED.inc()
        for reason in answer.degraded:
            metrics.DEGRADED.labels(answer.model, reason).inc()


def about(version: Champion, as_of: datetime | None, degraded: tuple[Degradation, ...]) -> dict[str, Any]:
    """What every answer of a version says about itself, under a new id."""
    return {
        "prediction_id": token_hex(16),
        "model": version.name,
        "model_version": version.number,
        "feature_service": version.service,
        "as_of": as_of,
        "degraded": list(degraded),
    }
