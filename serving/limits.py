"""How often one caller may ask: a bucket of tokens each, refilled as time goes by."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CALLERS = 10_000


class Rates:
    """Counts each caller's requests in this process."""

    def __init__(
        self, per_second: float | None, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Every bucket is full at first.

        Args:
            per_second: How fast a bucket fills; None is no limit.
            burst: How much it holds.
            clock: In seconds; it never goes back.
        """
        self._per_second = per_second
        self._burst = float(burst)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Take one from a caller's bucket, or say in how many seconds there is one; 0: taken."""
        if self._per_second is None:
            return 0
        now = self._clock()
        left, then = self._buckets.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        taken = left >= 1
        self._buckets[caller] = (left - 1 if taken else left, now)
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0 if taken else (1 - left) / self._per_second
