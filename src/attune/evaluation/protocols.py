"""Published ways to split interactions, as examples that every model reads.

Leave-one-out compares with most published tables; it lets models know what happened elsewhere after the
moment they are asked about. The global time split does not: Meng and others (2020) and Gusak and others
(2025) show how much that changes who wins.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES, ITEM_ID, LABEL
from attune.data.splits import chosen_share
from attune.errors import DataError

Indices = npt.NDArray[np.int64]

_HOUR = 3600
_ORIGIN = pd.Timestamp("2000-01-01", tz="UTC").as_unit("us")


@dataclass(frozen=True)
class Split:
    """Examples by what they are for; histories and labels as in every other table of examples."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


@dataclass(frozen=True)
class _Orders:
    """O orders: where each begins and ends among the interactions, and where its customer begins."""

    first: Indices
    start: Indices
    stop: Indices

    def __getitem__(self, rows: npt.NDArray[np.bool_]) -> "_Orders":
        return _Orders(self.first[rows], self.start[rows], self.stop[rows])


def leave_one_out(interactions: pd.DataFrame) -> Split:
    """Ask for the last interaction of each customer; the one before chooses, the others teach.

    Time stamps are not used: the order is the one delivered, and interactions are an hour apart. The training
    example of a customer asks for the last interaction that teaches. Who has two interactions is not in the
    validation part, and who has one only teaches.

    Args:
        interactions: customer_id and item_id, those of each customer in order.

    Raises:
        DataError: Nobody has three interactions.
    """
    ordered = interactions.sort_values(CUSTOMER_ID, kind="stable", ignore_index=True)
    place = ordered.groupby(CUSTOMER_ID, sort=False).cumcount()
    ordered[EVENT_TIMESTAMP] = _ORIGIN + pd.to_timedelta(place * _HOUR, unit="s").astype("timedelta64[us]")
    orders = _orders(ordered)
    back = _places_from_the_end(orders)
    length = _sizes(orders)
    if not len(length) or length.max() < 3:
        raise DataError("nobody has three interactions: one to learn from, one to choose by, one to ask for")
    teaches = back == np.where(length >= 3, 2, length - 1)
    return Split(
        train=_examples(ordered, orders[teaches]),
        validation=_examples(ordered, orders[(back == 1) & (length >= 3)]),
        test=_examples(ordered, orders[(back == 0) & (length >= 2)]),
    )


def global_time_split(
    interactions: pd.DataFrame,
    quantile: float = 0.9,
    validation_share: float = 0.1,
    seed: int = 0,
    teaching_orders: int = 1,
) -> Split:
    """Ask for every order after a moment in turn, each with all that came before it; the orders before teach.

    An order is what a customer bought at one time; its items are the label together. A share of the
    customers lends the last order before the moment to validation, so that the models know all but that. A
    test example is as of the time of its order, which is known when a shop is asked.

    Args:
        interactions: customer_id, item_id and event_timestamp.
        quantile: Which share of the interactions lies before the moment.
        validation_share: Of the customers with two orders before the moment.
        seed: The same seed chooses the same customers.
        teaching_orders: How many of the latest orders of a customer that teach are training examples. What is
            known does not change: the label of an earlier one is in the history of the last.

    Raises:
        DataError: One of the parts would be empty.
    """
    keys = [CUSTOMER_ID, EVENT_TIMESTAMP]
    ordered = interactions.sort_values(keys, kind="stable", ignore_index=True)
    moment = interactions[EVENT_TIMESTAMP].quantile(quantile, interpolation="higher")
    orders = _orders(ordered)
    early = (ordered[EVENT_TIMESTAMP] < moment).to_numpy(dtype=np.bool_)[orders.start]
    if not early.any() or early.all():
        raise DataError(f"{len(ordered)} interactions have none before or none after {moment}; import more")
    before = orders[early]
    back = _places_from_the_end(before)
    customer_O = ordered[CUSTOMER_ID].to_numpy()[before.start]
    lends = chosen_share(customer_O, validation_share, f"validation-{seed}") & (_sizes(before) >= 2)
    split = Split(
        train=_examples(ordered, before[(back >= lends) & (back < lends + teaching_orders)]),
        validation=_examples(ordered, before[(back == 0) & lends]),
        test=_examples(ordered, orders[~early]),
    )
    if split.validation.empty:
        raise DataError("no customer lends an order to validation; raise validation_share")
    return split


def _orders(ordered: pd.DataFrame) -> _Orders:
    """The orders of interactions sorted by customer and time."""
    customer = pd.factorize(ordered[CUSTOMER_ID])[0]
    second = ordered[EVENT_TIMESTAMP].to_numpy()
    new_customer = np.append(True, customer[1:] != customer[:-1])[: len(ordered)]
    new_order = new_customer | np.append(True, second[1:] != second[:-1])[: len(ordered)]
    start = np.flatnonzero(new_order)
    first = np.flatnonzero(new_customer)[customer[start]]
    return _Orders(first, start, np.append(start[1:], len(ordered))[: len(start)])


def _places_from_the_end(orders: _Orders) -> Indices:
    """How many orders of the same customer come after each, shape [O]."""
    _, number, count = np.unique(orders.first, return_inverse=True, return_counts=True)
    places: Indices = np.cumsum(count)[number] - 1 - np.arange(len(number))
    return places


def _sizes(orders: _Orders) -> Indices:
    """How many orders the customer of each has, shape [O]."""
    _, number, count = np.unique(orders.first, return_inverse=True, return_counts=True)
    sizes: Indices = count[number]
    return sizes


def _examples(ordered: pd.DataFrame, orders: _Orders) -> pd.DataFrame:
    """One example an order: its items are the label, everything of the customer before is the history."""
    items = ordered[ITEM_ID].to_numpy(dtype=object)
    times = ordered[EVENT_TIMESTAMP].dt.as_unit("s").astype("int64").to_numpy()
    spans = list(zip(orders.first.tolist(), orders.start.tolist(), orders.stop.tolist(), strict=True))
    # Histories are views of one array: successive examples of a customer share what they hold.
    return pd.DataFrame(
        {
            CUSTOMER_ID: ordered[CUSTOMER_ID].to_numpy()[orders.start],
            EVENT_TIMESTAMP: ordered[EVENT_TIMESTAMP].array[orders.start],
            HISTORY_ITEMS: _column([items[first:start] for first, start, _ in spans]),
            HISTORY_TIMES: _column([times[first:start] for first, start, _ in spans]),
            LABEL: _column([list(dict.fromkeys(items[start:stop])) for _, start, stop in spans]),
        }
    )


def _column(values: list[object]) -> npt.NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return column
