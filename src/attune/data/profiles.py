"""What tables look like, month by month: counts, shares and medians, and no row of anybody."""

from collections.abc import Mapping

import pandas as pd
import polars as pl

from attune import columns as c
from attune.config import Settings
from attune.data.contracts import TIME_COLUMNS

WHOLE = "all"
HOURS = 24
# More values than this are no categories.
KEPT_VALUES = 30

_NUMBERS = {"interactions": (c.QUANTITY, c.AMOUNT, c.DISCOUNT)}
_IDS = {
    "interactions": (c.CUSTOMER_ID, c.ITEM_ID, c.ORDER_ID),
    "messages": (c.CUSTOMER_ID, c.CAMPAIGN_ID),
    "consents": (c.CUSTOMER_ID,),
    "customers": (c.CUSTOMER_ID,),
    "items": (c.ITEM_ID,),
}
_CATEGORIES = {
    "interactions": (c.EVENT,),
    "messages": (c.CHANNEL, c.FORMAT, c.RESPONDED),
    "consents": (c.PURPOSE, c.GRANTED),
    "customers": c.DEMOGRAPHICS,
    "items": (c.DEPARTMENT, c.CATEGORY, c.BRAND),
}


class Numbers(Settings):
    """The values of a column of numbers.

    Attributes:
        median: Of those above 0; 0 where there are none.
        zeros: Share of values that are 0.
        whole: Share of values without a fraction.
        distinct: How many different values.
    """

    median: float
    zeros: float
    whole: float
    distinct: int


class Period(Settings):
    """The rows of a table in one month, or all of them where rows carry no time.

    Attributes:
        days: Different days with a row; 1 where rows carry no time.
        hours: Share of rows in each hour of the day, in UTC; empty where rows carry no time.
        distinct: Id column -> how many different ids.
        numbers: Number column -> its values.
        shares: Category column -> value -> share of rows, the most frequent values.
    """

    rows: int
    days: int
    hours: tuple[float, ...] = ()
    distinct: dict[str, int]
    numbers: dict[str, Numbers]
    shares: dict[str, dict[str, float]]


Periods = dict[str, Period]


class Profile(Settings):
    """The tables of one source as they were when they were written."""

    source: str
    tables: dict[str, Periods]


def profile_of(source: str, tables: Mapping[str, pd.DataFrame]) -> Profile:
    """Describe contract tables.

    Args:
        source: Whose tables; only profiles of one source are compared.
        tables: In contract types.
    """
    return Profile(source=source, tables={name: periods_of(name, table) for name, table in tables.items()})


def periods_of(name: str, table: pd.DataFrame) -> Periods:
    """Describe one contract table, month by month, oldest first."""
    time = TIME_COLUMNS.get(name)
    wanted = [*_IDS[name], *_NUMBERS.get(name, ()), *_CATEGORIES[name]]
    plain = table[wanted if time is None else [*wanted, time]]
    frame = pl.DataFrame(
        {column: pl.Series(column, plain[column].to_numpy()) for column in _NUMBERS.get(name, ())}
        | {column: _texts(plain[column]) for column in wanted if column not in _NUMBERS.get(name, ())}
        | ({} if time is None else {time: pl.Series(time, plain[time].dt.tz_convert(None).to_numpy())})
    )
    if frame.is_empty():
        return {}
    if time is None:
        return {WHOLE: _period(name, frame, None)}
    months = frame.with_columns(pl.col(time).dt.strftime("%Y-%m").alias("month"))
    parts = months.partition_by("month", as_dict=True, include_key=False)
    return {str(month): _period(name, part, time) for (month,), part in sorted(parts.items())}


def _texts(values: pd.Series) -> pl.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return (
            pl.Series(str(values.name), values.cat.codes.to_numpy())
            if values.name in _ID_NAMES
            else _named(values)
        )
    return pl.Series(str(values.name), values.astype(str).to_numpy(), dtype=pl.String)


def _named(values: pd.Series) -> pl.Series:
    names = pl.Series("", values.cat.categories.astype(str).tolist(), dtype=pl.String)
    codes = pl.Series(values.cat.codes.to_numpy().astype("int64"))
    return names.gather(codes.set(codes < 0, None)).alias(str(values.name))


_ID_NAMES = frozenset(column for columns in _IDS.values() for column in columns)


def _period(name: str, rows: pl.DataFrame, time: str | None) -> Period:
    hours: tuple[float, ...] = ()
    if time is not None:
        counts = rows[time].dt.hour().cast(pl.Int64).value_counts()
        by_hour = dict(counts.iter_rows())
        hours = tuple(round(by_hour.get(hour, 0) / len(rows), 6) for hour in range(HOURS))
    return Period(
        rows=len(rows),
        days=1 if time is None else rows[time].dt.date().n_unique(),
        hours=hours,
        distinct={column: rows[column].n_unique() for column in _IDS[name]},
        numbers={column: _numbers(rows[column]) for column in _NUMBERS.get(name, ())},
        shares={column: _shares(rows[column]) for column in _CATEGORIES[name]},
    )


def _numbers(values: pl.Series) -> Numbers:
    positive = values.filter(values > 0).median()
    return Numbers(
        median=float(positive) if isinstance(positive, int | float) else 0.0,
        zeros=float((values == 0).sum()) / len(values),
        whole=float((values == values.round()).sum()) / len(values),
        distinct=values.n_unique(),
    )


def _shares(values: pl.Series) -> dict[str, float]:
    counts = [(-count, str(value)) for value, count in values.value_counts().iter_rows()]
    return {value: -count / len(values) for count, value in sorted(counts)[:KEPT_VALUES]}
