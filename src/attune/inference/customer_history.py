"""The history of one customer as arrays, by the rules of `read_histories`, without a table's cost."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from attune.columns import HISTORY_ITEMS, HISTORY_TIMES
from attune.errors import ModelError
from attune.models.history import UNKNOWN_ITEM, Histories

_SECONDS_A_DAY = 86_400


def one_history(
    items: Sequence[str | None],
    times: Sequence[float],
    as_of: float,
    codes: Callable[[Iterable[str | None]], npt.NDArray[np.int64]],
) -> Histories:
    """The history of one customer.

    Args:
        items: What was bought, oldest first.
        times: When, unix seconds.
        as_of: The moment that ages are counted from, unix seconds.
        codes: Gives the code of each item, `UNKNOWN_ITEM` for an unknown one.

    Raises:
        ModelError: There are more items than times or the other way round.
    """
    if len(items) != len(times):
        raise ModelError(
            f"a history has {len(items)} {HISTORY_ITEMS} but {len(times)} {HISTORY_TIMES}; each purchase "
            "wants one time"
        )
    code = codes(items)
    age = np.maximum(as_of - np.asarray(times, dtype=np.float64), 0.0) / _SECONDS_A_DAY
    known = (code != UNKNOWN_ITEM) & np.isfinite(age)
    if not known.all():
        code, age = code[known], age[known]
    if np.any(age[1:] > age[:-1]):
        order = np.argsort(-age, kind="stable")
        code, age = code[order], age[order]
    starts = np.array([0, len(code)], dtype=np.int64)
    return Histories(starts, np.zeros(len(code), dtype=np.int64), code, age)
