"""A circuit breaker: a store that fails is left alone for a while, so that answers do not wait for it."""

import threading
import time
from collections import deque
from collections.abc import Callable

WINDOW = 20
LEAST_FAILURES = 5
IN_A_ROW = 3
OPEN_SECONDS = 0.5


class Breaker:
    """Opens when three calls in a row failed, or five and half of the last twenty; then tries one a while.

    In a row is what began after the one before had failed: a moment without the processor fails everything
    that is under way, and says nothing about the store.
    """

    def __init__(
        self, open_seconds: float = OPEN_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Closed at first.

        Args:
            open_seconds: How long after a failed try the next is let through.
            clock: In seconds; it never goes back.
        """
        self._open_seconds = open_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)
        self._next_try: float | None = None
        self._in_a_row, self._failed_at = 0, float("-inf")

    @property
    def is_open(self) -> bool:
        """Whether calls are spared."""
        return self._next_try is not None

    def allows(self) -> bool:
        """Whether the next call may go through; while open, one each `open_seconds`."""
        if self._next_try is None:
            return True
        with self._lock:
            now = self._clock()
            if self._next_try is not None and now < self._next_try:
                return False
            self._next_try = now + self._open_seconds
            return True

    def succeeded(self) -> None:
        """A call was answered: the store is back."""
        if self._next_try is not None:
            with self._lock:
                self._next_try = None
                self._outcomes.clear()
        self._outcomes.append(True)
        self._in_a_row = 0

    def failed(self, began: float) -> None:
        """A call was not answered.

        Args:
            began: When it was made, by the same clock.
        """
        with self._lock:
            now = self._clock()
            if began >= self._failed_at:
                self._in_a_row, self._failed_at = self._in_a_row + 1, now
            self._outcomes.append(False)
            failures = self._outcomes.count(False)
            is_half = failures >= max(LEAST_FAILURES, len(self._outcomes) / 2)
            if self._next_try is None and (is_half or self._in_a_row >= IN_A_ROW):
                self._next_try = now + self._open_seconds
