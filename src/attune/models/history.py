"""Purchase histories of examples as flat arrays, and every purchase that examples know of."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES, ITEM_ID, LABEL
from attune.errors import ModelError

UNKNOWN_ITEM = -1
SECOND = "second"
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Histories:
    """The purchases of N examples, those of one example in a row, oldest first. M purchases in all.

    Attributes:
        starts: Where the purchases of each example begin, and the end of the last, shape [N + 1].
        row: The example of each purchase, shape [M].
        code: The item of each purchase, shape [M].
        age: How many days before the as-of date it was, never negative, shape [M].
    """

    starts: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    code: npt.NDArray[np.int64]
    age: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """How many purchases each example has, shape [N]."""
        return np.diff(self.starts)

    @property
    def order(self) -> npt.NDArray[np.int64]:
        """The order of each purchase: what an example bought at one time is one order, shape [M]."""
        new = (self.row[1:] != self.row[:-1]) | (self.age[1:] != self.age[:-1])
        return np.concatenate([np.zeros(min(1, len(self.row)), dtype=np.int64), np.cumsum(new)])

    def rows(self, start: int, stop: int) -> "Histories":
        """The histories of a range of examples."""
        starts = self.starts[start : stop + 1]
        cut = slice(starts[0], starts[-1])
        return Histories(starts - starts[0], self.row[cut] - start, self.code[cut], self.age[cut])

    def take(self, rows: npt.NDArray[np.int64]) -> "Histories":
        """The histories of some examples, in the order given."""
        lengths = self.lengths[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        at = np.repeat(self.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
        return Histories(starts, np.repeat(np.arange(len(rows)), lengths), self.code[at], self.age[at])


def read_histories(
    examples: pd.DataFrame, codes: Callable[[Iterable[str | None]], npt.NDArray[np.int64]]
) -> Histories:
    """Read the histories of examples, in the codes of a vocabulary.

    What cannot be used is left out: items that the vocabulary does not know and purchases without a time.
    Purchases out of order are put in order. A purchase after the as-of date (clocks differ) counts as just
    made. An absent list is an empty history.

    Args:
        examples: With the history columns and the as-of date.
        codes: Gives the code of each item, `UNKNOWN_ITEM` for an unknown one.

    Raises:
        ModelError: A history has more items than times or the other way round.
    """
    items, times = (_lists(examples[name]) for name in (HISTORY_ITEMS, HISTORY_TIMES))
    return histories_of(items, times, _as_of_seconds(examples), codes)


def histories_of(
    items: Sequence[Sequence[str | None]],
    times: Sequence[Sequence[float]],
    as_of: npt.NDArray[np.float64],
    codes: Callable[[Iterable[str | None]], npt.NDArray[np.int64]],
) -> Histories:
    """The histories of N customers, without a table's cost; see `read_histories`.

    Args:
        items: What each bought, oldest first.
        times: When, unix seconds.
        as_of: The moments that ages are counted from, unix seconds, shape [N].
        codes: Gives the code of each item, `UNKNOWN_ITEM` for an unknown one.

    Raises:
        ModelError: A history has more items than times or the other way round.
    """
    lengths = _common_lengths(items, times)
    row = np.repeat(np.arange(len(lengths)), lengths)
    code = codes(chain.from_iterable(items))
    age = np.maximum(as_of[row] - _seconds(times), 0.0) / _SECONDS_A_DAY
    known = (code != UNKNOWN_ITEM) & np.isfinite(age)
    if not known.all():
        row, code, age = row[known], code[known], age[known]
    if np.any((row[1:] == row[:-1]) & (age[1:] > age[:-1])):
        order = np.lexsort((-age, row))  # stable: lines of one order stay as they were
        row, code, age = row[order], code[order], age[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(lengths)))])
    return Histories(starts, row, code, age)


def known_purchases(examples: pd.DataFrame) -> pd.DataFrame:
    """Every purchase that training examples know of, once.

    Examples of one customer at several dates share most of their histories. The label of a customer's
    latest example is known too; it counts as one order at its as-of date.

    Returns:
        Columns customer_id, item_id and second (unix, float), sorted.
    """
    return _purchases(examples).sort_values([CUSTOMER_ID, SECOND, ITEM_ID], ignore_index=True)


def purchase_counts(examples: pd.DataFrame) -> pd.Series:
    """How often each item is among the known purchases of examples."""
    return _purchases(examples)[ITEM_ID].value_counts()


def _purchases(examples: pd.DataFrame) -> pd.DataFrame:
    latest = examples.sort_values(EVENT_TIMESTAMP, kind="stable").drop_duplicates(CUSTOMER_ID, keep="last")
    bought = latest[LABEL].map(len).to_numpy()
    labels = pd.DataFrame(
        {
            CUSTOMER_ID: np.repeat(latest[CUSTOMER_ID].to_numpy(), bought),
            ITEM_ID: np.array(list(chain.from_iterable(latest[LABEL])), dtype=object),
            SECOND: np.repeat(_as_of_seconds(latest), bought),
        }
    )
    purchases = pd.concat([_history_purchases(examples), labels], ignore_index=True)
    return purchases.dropna().drop_duplicates()


def orders_of(purchases: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Number the orders of sorted purchases: what a customer bought at one time is one order, shape [M]."""
    customer, second = purchases[CUSTOMER_ID].to_numpy(), purchases[SECOND].to_numpy()
    new = (customer[1:] != customer[:-1]) | (second[1:] != second[:-1])
    return np.concatenate([np.zeros(min(1, len(purchases)), int), np.cumsum(new)]).astype(np.int64)


def _history_purchases(examples: pd.DataFrame) -> pd.DataFrame:
    items, times = (_lists(examples[name]) for name in (HISTORY_ITEMS, HISTORY_TIMES))
    lengths = _common_lengths(items, times)
    return pd.DataFrame(
        {
            CUSTOMER_ID: np.repeat(examples[CUSTOMER_ID].to_numpy(), lengths),
            ITEM_ID: np.array(list(chain.from_iterable(items)), dtype=object),
            SECOND: _seconds(times),
        }
    )


def _lists(column: pd.Series) -> list[Sequence[Any]]:
    return [[] if value is None or np.isscalar(value) else value for value in column]


def _seconds(times: Sequence[Sequence[Any]]) -> npt.NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *(np.asarray(moments, dtype=np.float64) for moments in times)])


def _common_lengths(items: Sequence[Sequence[Any]], times: Sequence[Sequence[Any]]) -> npt.NDArray[np.int64]:
    lengths = np.fromiter(map(len, items), dtype=np.int64, count=len(items))
    wrong = np.flatnonzero(lengths != np.fromiter(map(len, times), dtype=np.int64, count=len(times)))
    if len(wrong):
        at = wrong[0]
        raise ModelError(
            f"history {at} has {len(items[at])} {HISTORY_ITEMS} but {len(times[at])} {HISTORY_TIMES} "
            f"({len(wrong)} are so); each purchase wants one time, build the features again"
        )
    return lengths


def _as_of_seconds(examples: pd.DataFrame) -> npt.NDArray[np.float64]:
    moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True)
    return moments.dt.as_unit("us").astype("int64").to_numpy() / 1e6
