"""A copy of every prediction record in a Redis stream, for whoever reads along: late rather than in the way.

`ATTUNE_PREDICTION_STREAM` names the Redis; the stream is `predictions`, a record the field `prediction`. The
copy is made by a thread after the answer, at most once: what waits when the process is killed, or while Redis
is away and more than `MOST_WAITING` records wait, is not in the stream. It is in the log all the same.
"""

import os
import threading
from collections import deque

from attune.adapters.redis_connection import Argument, RedisAddress, RedisConnection
from attune.errors import FeatureError
from serving import metrics

STREAM_VARIABLE = "ATTUNE_PREDICTION_STREAM"
STREAM = "predictions"
FIELD = "prediction"
MOST_WAITING = 10_000
KEPT = 1_000_000
AT_ONCE = 500
SECONDS = 1.0
PAUSE_SECONDS = 0.1


class PredictionStream:
    """Adds records to the stream, in order, in a thread of its own."""

    def __init__(self, address: RedisAddress) -> None:
        self._redis = RedisConnection(address, SECONDS)
        self._waiting: deque[bytes] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction-stream", daemon=True)
        self._thread.start()

    def add(self, line: bytes) -> None:
        """Add a record, soon; it never waits and never fails."""
        if len(self._waiting) >= MOST_WAITING:
            metrics.UNSTREAMED.inc()
            return
        self._waiting.append(line)

    def close(self) -> None:
        """Send what waits, if Redis takes it."""
        self._closing.set()
        self._thread.join(SECONDS * 3)

    def _work(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            self._send()
        self._send()

    def _send(self) -> None:
        while self._waiting:
            count = min(AT_ONCE, len(self._waiting))
            lines = [self._waiting[place] for place in range(count)]
            if not self._sent(lines):
                return
            for _ in lines:
                self._waiting.popleft()

    def _sent(self, lines: list[bytes]) -> bool:
        head: tuple[Argument, ...] = ("XADD", STREAM, "MAXLEN", "~", KEPT, "*", FIELD)
        try:
            self._redis.call_all([(*head, line) for line in lines])
        except FeatureError:
            return False
        return True


def open_stream() -> PredictionStream | None:
    """The stream of the configuration; None where it speaks of none.

    Raises:
        ConfigError: The variable names no Redis.
    """
    address = check_stream()
    return PredictionStream(address) if address else None


def check_stream() -> RedisAddress | None:
    """Where the stream is; None where there is none.

    Raises:
        ConfigError: The variable names no Redis.
    """
    url = os.environ.get(STREAM_VARIABLE, "")
    return RedisAddress(url) if url else None
