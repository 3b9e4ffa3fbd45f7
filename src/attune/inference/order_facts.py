"""The rhythm of one customer's orders, by the rules of `recent_orders`, without torch and without a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from attune.columns import HISTORY_TIMES
from attune.errors import ModelError

_FACTS = 4
_DAY = 86_400


class PastOrders:
    """Reads the orders of many customers."""

    def __init__(self, length: int) -> None:
        """Remember how many orders there are at most."""
        self._length = length

    def read(self, rows: Sequence[Mapping[Any, Any]], moments: Sequence[int]) -> npt.NDArray[np.float32]:
        """The last orders of N customers as of moments (unix seconds), shape [N, L, E].

        Raises:
            ModelError: The rows have no times of orders.
        """
        if HISTORY_TIMES not in rows[0]:
            raise ModelError(
                f"examples lack {HISTORY_TIMES!r}, with which the model was trained; ask for the feature "
                "service that its manifest names"
            )
        pairs = zip((row[HISTORY_TIMES] for row in rows), moments, strict=True)
        return np.stack([order_facts(times, moment, self._length) for times, moment in pairs])


def order_facts(times: Any, as_of: float, length: int) -> npt.NDArray[np.float32]:
    """That there is an order, and the logarithms of its age, of the pause before it and of its lines.

    Args:
        times: When each line was bought, unix seconds; whatever is no list is an empty one.
        as_of: The moment that ages are counted from, unix seconds.
        length: How many orders at most.

    Returns:
        Shape [L, E], oldest first, pushed to the end; 0 where there are fewer orders.
    """
    facts_LE = np.zeros((length, _FACTS), dtype=np.float32)
    bought = np.asarray(times if isinstance(times, list | np.ndarray) else (), dtype=np.int64)
    seconds, lines = np.unique(bought, return_counts=True)
    pause = np.diff(seconds, prepend=seconds[:1]) / _DAY
    age = np.maximum((as_of - seconds) / _DAY, 0.0)
    kept = slice(max(0, len(seconds) - length), None)
    count = len(seconds[kept])
    if count:
        facts_LE[-count:, 0] = 1.0
        facts_LE[-count:, 1:] = np.log1p(np.stack([age[kept], pause[kept], lines[kept]], axis=1))
    return facts_LE
