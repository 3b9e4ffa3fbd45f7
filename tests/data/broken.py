"""A synthetic shop, broken in one way at a time: what is changed, and the reason that must be given."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from attune.data.raw import RawTables

Break = Callable[[RawTables], RawTables]


def lines(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Break:
    """Breaks the interactions."""
    return lambda raw: replace(raw, interactions=change(raw.interactions).reset_index(drop=True))


def column(name: str, change: Callable[[pd.Series], Any], table: str = "interactions") -> Break:
    """Breaks one column."""

    def broken(raw: RawTables) -> RawTables:
        frame = getattr(raw, table)
        return replace(raw, **{table: frame.assign(**{name: change(frame[name])})})

    return broken


def swapped(one: str, other: str) -> Break:
    return lines(lambda rows: rows.rename(columns={one: other, other: one}))


def in_june(rows: pd.DataFrame) -> pd.Series:
    return rows["event_timestamp"].dt.strftime("%Y-%m") == "2017-06"


def june(name: str, change: Callable[[pd.Series], pd.Series]) -> Break:
    """Breaks one column of one month."""
    return lines(lambda rows: rows.assign(**{name: rows[name].mask(in_june(rows), change(rows[name]))}))


def first(values: pd.Series, *wrong: Any) -> pd.Series:
    """The values with a few wrong ones in front."""
    changed = values.astype(object)
    changed.iloc[: len(wrong)] = wrong
    return changed


def hours(count: int) -> Callable[[pd.Series], pd.Series]:
    return lambda times: times + pd.Timedelta(hours=count)


def half_gone(raw: RawTables) -> RawTables:
    kept = set(raw.customers["customer_id"].iloc[::2])

    def of_kept(table: pd.DataFrame) -> pd.DataFrame:
        return table[table["customer_id"].isin(kept)].reset_index(drop=True)

    return replace(
        raw,
        customers=of_kept(raw.customers),
        interactions=of_kept(raw.interactions),
        messages=of_kept(raw.messages),
        consents=of_kept(raw.consents),
    )


def again(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows])


def again_under_other_ids(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(order_id=rows["order_id"] + " copy")])


def fewer(table: str, step: int) -> Break:
    return lambda raw: replace(raw, **{table: getattr(raw, table).iloc[::step].reset_index(drop=True)})


BROKEN: dict[str, tuple[Break, str]] = {
    "missing column": (lines(lambda rows: rows.drop(columns="quantity")), "quantity: this column is missing"),
    "renamed column": (
        lines(lambda rows: rows.rename(columns={"amount": "Amount"})),
        "amount: this column is missing",
    ),
    "numbers as words": (column("quantity", lambda v: "two"), "quantity: .* is not a number"),
    "decimal commas": (
        column("amount", lambda v: v.astype(str).str.replace(".", ",")),
        "amount: .* is not a number",
    ),
    "unit x100": (column("amount", lambda v: v * 100), "amount: scale: .* check the unit"),
    "unit x100 in one month": (june("amount", lambda v: v * 100), r"amount: scale: .*2017-06"),
    "quantity in thousandths": (column("quantity", lambda v: v * 1000), "quantity: scale"),
    "time zone": (column("event_timestamp", hours(5)), r"time zone: the hours of the day moved by \+5"),
    "time zone in one month": (june("event_timestamp", hours(-7)), r"time zone: .* by -7.*2017-06"),
    "time cut off": (column("event_timestamp", lambda v: v.dt.normalize()), "time of day: .* cut off"),
    "empty": (lines(lambda rows: rows.iloc[:0]), "interactions: has no rows"),
    "one row": (lines(lambda rows: rows.iloc[:1]), "volume: no rows in|volume: 1 rows a day"),
    "one customer": (
        lambda raw: replace(raw, customers=raw.customers.iloc[:1]),
        "has one customer only",
    ),
    "rows twice": (lines(again), "50% of all rows: exact_duplicate"),
    "rows twice under other ids": (lines(again_under_other_ids), "volume: .* rows a day"),
    "customers twice": (
        lambda raw: replace(raw, customers=again(raw.customers).reset_index(drop=True)),
        "customer_id: .* is there more than once",
    ),
    "future dates": (column("event_timestamp", hours(24 * 3650)), "event_timestamp: .* is in the future"),
    "dates of 1970": (
        column(
            "event_timestamp",
            lambda v: pd.to_datetime(v.dt.as_unit("us").astype("int64"), unit="ns", utc=True),
        ),
        "volume: no rows in 2017",
    ),
    "no dates": (column("event_timestamp", lambda v: "32.13.2017"), "event_timestamp: .* is not a time"),
    "UTF-8 read as Latin-1": (
        column("department", lambda v: v.replace("DELI", "BÃ¤ckerei"), "items"),
        "department: .* wrong encoding",
    ),
    "bytes given up on": (
        column("age_band", lambda v: v.replace("65+", "65\ufffd"), "customers"),
        "age_band: .* wrong encoding",
    ),
    "half the customers gone": (half_gone, "customer_id: volume"),
    "a month missing": (lines(lambda rows: rows[~in_june(rows)]), "volume: no rows in 2017-06"),
    "half of every month": (lines(lambda rows: rows.iloc[::2]), "volume: .* rows a day"),
    "one item only": (column("item_id", lambda v: "item 1"), "item_id: constant"),
    "one amount only": (column("amount", lambda v: 9.99), "amount: constant"),
    "discounts lost": (column("discount", lambda v: 0.0), "discount: (share|constant)"),
    "age bands lost": (column("age_band", lambda v: None, "customers"), "age_band: share"),
    "negative amounts": (column("amount", lambda v: -v), "amount: .* is below 0"),
    "infinite amounts": (
        column("amount", lambda v: first(v, np.inf, np.inf)),
        "amount: 2 rows: is not finite",
    ),
    "empty amounts": (column("amount", lambda v: first(v, None)), "amount: 1 row: is missing"),
    "amount and discount swapped": (
        swapped("amount", "discount"),
        "amount: swapped: has the values that discount had",
    ),
    "amount and quantity swapped": (
        swapped("amount", "quantity"),
        "quantity: swapped: has the values that amount had",
    ),
    "customer and item swapped": (swapped("customer_id", "item_id"), "missing_product"),
    "items missing": (fewer("items", 2), "missing_product"),
    "customers missing": (fewer("customers", 2), "customer_id: .* is not in the table customers"),
    "all returned": (lines(lambda rows: rows.assign(event="return")), "event: share"),
    "unknown events": (lines(lambda rows: rows.assign(event="view")), "neither purchase nor return"),
    "recorded before it happened": (
        lines(lambda rows: rows.assign(created_timestamp=rows["event_timestamp"] - pd.Timedelta(days=1))),
        "created_timestamp: .* is recorded before it happened",
    ),
    "responses before the message": (
        column("responded_at", lambda v: v - pd.Timedelta(days=99), "messages"),
        "responded_at: .* a response to what was not sent yet",
    ),
    "flags that are none": (column("responded", lambda v: "maybe", "messages"), "neither yes nor no"),
    "an unknown purpose": (column("purpose", lambda v: "spam", "consents"), "purpose: .* is none of"),
    "consents of strangers": (
        column("customer_id", lambda v: v + "x", "consents"),
        "consents.customer_id: .* is not in the table customers",
    ),
}
