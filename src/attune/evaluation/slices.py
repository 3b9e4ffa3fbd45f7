"""Groups of customers that a model must serve as well as everybody else."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import AGE_BAND, DEMOGRAPHICS, INCOME_BAND, ORDERS_90D, TENURE_DAYS, UNKNOWN

NEW_DAYS = 90.0
DEMOGRAPHICS_SLICE = "demographics"
TENURE_SLICE = "tenure"
ACTIVITY_SLICE = "activity"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """One group of one slice: which of N examples belong to it, shape [N]."""

    slice: str
    name: str
    rows: Mask


def groups(examples: pd.DataFrame) -> Iterator[Group]:
    """Cut examples along every slice whose columns they have.

    Age and income band by value; demographics known or unknown; new customers against old; and thirds of
    activity. A customer without features has never bought before: new, and not active. The groups of a
    slice cover all examples once, except where a value is missing.
    """
    for column in (AGE_BAND, INCOME_BAND):
        if column in examples.columns:
            yield from _by_value(column, examples[column])
    known = [column for column in DEMOGRAPHICS if column in examples.columns]
    if known:
        unknown = (examples[known] == UNKNOWN).all(axis=1)
        yield from _by_value(DEMOGRAPHICS_SLICE, unknown.map({True: "unknown", False: "known"}))
    if TENURE_DAYS in examples.columns:
        new = examples[TENURE_DAYS].fillna(0) < NEW_DAYS
        yield from _by_value(TENURE_SLICE, new.map({True: "new", False: "old"}))
    if ORDERS_90D in examples.columns:
        yield from _by_value(ACTIVITY_SLICE, _thirds(examples[ORDERS_90D].fillna(0)))


def _by_value(name: str, values: pd.Series) -> Iterator[Group]:
    for value in sorted(values.dropna().unique()):
        yield Group(name, str(value), (values == value).to_numpy(dtype=np.bool_))


def _thirds(orders: pd.Series) -> pd.Series:
    """Name each customer's third of activity; equal numbers of orders never fall apart."""
    low, high = (int(edge) for edge in np.quantile(orders, [1 / 3, 2 / 3])) if len(orders) else (0, 0)
    names = np.select(
        [orders <= low, orders <= high],
        [f"low (up to {low} orders)", f"middle (up to {high} orders)"],
        default=f"high (more than {high} orders)",
    )
    return pd.Series(names, index=orders.index, dtype=object)
