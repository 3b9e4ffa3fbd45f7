"""What the server counts, summed over its worker processes."""

from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

# Routes, codes, models and reasons come from fixed lists: nobody outside can make a new series.
REQUESTS = Counter("attune_requests", "Answered requests", ["route", "code"])
SECONDS = Histogram("attune_request_seconds", "From the first byte to the answer", ["route"], buckets=BUCKETS)
IN_FLIGHT = Gauge("attune_requests_in_flight", "Requests being answered", multiprocess_mode="livesum")
DEGRADED = Counter("attune_degraded_answers", "Answers that could have been better", ["model", "reason"])
REFUSED_VERSIONS = Counter("attune_refused_versions", "Champions that were not taken", ["model"])
UNLOGGED = Counter("attune_unlogged_predictions", "Predictions that the log did not take")
FEATURE_READS = Counter("attune_feature_reads", "Reads of the online store", ["outcome"])
SHADOWS = Counter("attune_shadow_comparisons", "Answers asked of a shadow too", ["model", "outcome"])
UNSTREAMED = Counter("attune_unstreamed_predictions", "Predictions that the stream did not take")
EVENTS = Counter("attune_events", "Interactions that were told", ["outcome"])
OTHER_ROUTE = "other"


@cache
def answers(route: str, status: int) -> Counter:
    """The counter of one kind of answer: found once, for finding it costs more than counting."""
    return REQUESTS.labels(route, str(status))


@cache
def feature_reads(outcome: str) -> Counter:
    """The counter of reads that ended in one way; see `answers`."""
    return FEATURE_READS.labels(outcome)


@cache
def seconds(route: str) -> Histogram:
    """The histogram of one route; see `answers`."""
    return SECONDS.labels(route)


def exposition() -> bytes:
    """All series in Prometheus' text format, of every worker."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
