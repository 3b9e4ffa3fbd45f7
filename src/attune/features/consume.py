"""Consume: take interactions from a stream, push them, and only then say that they were taken.

Whatever ends the consumer, what it had not settled is delivered again; pushing it again changes nothing. So
nothing is lost and nothing counts twice.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from attune.columns import CUSTOMER_ID
from attune.data.arrivals import Arrival
from attune.data.pseudonyms import pseudonym
from attune.features.deliveries import Delivery, Refusal
from attune.features.push import Pusher
from attune.features.push_lines import push_lines

BATCH = 500
WAIT_SECONDS = 1.0


class InteractionSource(Protocol):
    """A stream with delivery at least once: a Redis stream or a Kafka topic."""

    def take(self, count: int, wait_seconds: float) -> list[Delivery]:
        """The next interactions, at most so many; none where none comes within the time.

        Raises:
            FeatureError: The stream cannot be read.
        """

    def settle(self, ids: Sequence[str], refused: Mapping[str, Refusal]) -> None:
        """Never deliver these again, all that was taken last; the refused go to the dead letters before.

        Raises:
            FeatureError: The stream does not take it: the same interactions are delivered again.
        """


@dataclass
class ConsumeReport:
    """What was consumed since the start.

    Attributes:
        reasons: Why interactions were refused, and how many were.
    """

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.accepted:,} accepted, {self.duplicate:,} known already, {self.refused:,} refused"


def consume(
    source: InteractionSource,
    pusher: Pusher,
    key: bytes,
    stopping: Callable[[], bool],
    on_batch: Callable[[ConsumeReport], None],
) -> ConsumeReport:
    """Take, push and settle until somebody says stop; the batch in hand is finished first.

    Args:
        source: Where interactions come from.
        pusher: Where they go.
        key: Of the pseudonyms.
        stopping: Whether to stop; asked after every batch, and every second where nothing comes.
        on_batch: Told of the sum so far, after each batch.

    Raises:
        FeatureError: The stream or the online store fails. Start again: nothing was settled that is not done.
        DataError: There are no tables, or the log cannot be written.
    """
    report = ConsumeReport()
    while not stopping():
        deliveries = source.take(BATCH, WAIT_SECONDS)
        if deliveries:
            _take_in(source, pusher, key, deliveries, report)
            on_batch(report)
    return report


def _take_in(
    source: InteractionSource,
    pusher: Pusher,
    key: bytes,
    deliveries: Sequence[Delivery],
    report: ConsumeReport,
) -> None:
    lines = {delivery.id: delivery.line for delivery in deliveries}
    arrived = {delivery.id: (delivery.line, delivery.at) for delivery in deliveries}
    pushed, refused = push_lines(pusher, arrived, key, datetime.now(UTC))
    letters = {each: Refusal(reason, _kept(lines[each], key)) for each, reason in refused.items()}
    source.settle(list(lines), letters)
    report.accepted += pushed.accepted
    report.duplicate += pushed.duplicate
    report.refused += len(refused)
    for reason in refused.values():
        report.reasons[reason] = report.reasons.get(reason, 0) + 1


def _kept(line: bytes, key: bytes) -> str:
    """What of a refused line may be kept; of one that is no object, nothing is known to be harmless."""
    try:
        said = json.loads(line)
    except ValueError:
        return "{}"
    if not isinstance(said, dict):
        return "{}"
    known = {name: value for name, value in said.items() if name in Arrival.model_fields}
    if CUSTOMER_ID in known:
        known[CUSTOMER_ID] = pseudonym(key, str(known[CUSTOMER_ID]))
    return json.dumps(known)
