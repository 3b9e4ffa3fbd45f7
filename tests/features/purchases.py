"""Tiny tables of purchases, written in the test that uses them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

TIME = pl.Datetime("us", "UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bought(customer: str, item: str, when: str, **changes: Any) -> dict[str, Any]:
    """One line; an order of its own where none is named."""
    recorded = at(changes.pop("recorded", when))
    line = {
        "customer_id": customer,
        "item_id": item,
        "order_id": f"{customer} {when}",
        "event": "purchase",
        "event_timestamp": at(when),
        "created_timestamp": recorded,
        "quantity": 1.0,
        "amount": 1.0,
        "discount": 0.0,
    }
    return line | changes


def table(*lines: Mapping[str, Any]) -> pl.DataFrame:
    numbered = [{"interaction_id": f"i{number:04}"} | dict(line) for number, line in enumerate(lines)]
    return pl.DataFrame(numbered, schema_overrides={"event_timestamp": TIME, "created_timestamp": TIME})


def items(**departments: str) -> pl.DataFrame:
    return pl.DataFrame({"item_id": list(departments), "department": list(departments.values())})


def write_tables(folder: Path, interactions: pl.DataFrame) -> None:
    """The files that features read: a month each, who and what is in them, and a welcome to everybody."""
    (folder / "interactions").mkdir(parents=True, exist_ok=True)
    for (month,), rows in interactions.group_by(pl.col("event_timestamp").dt.strftime("%Y-%m")):
        rows.sort("event_timestamp", "interaction_id").write_parquet(
            folder / "interactions" / f"{month}.parquet"
        )
    unknown = [pl.lit("unknown").alias(name) for name in DEMOGRAPHICS]
    people = interactions.select(pl.col("customer_id").unique().sort(), *unknown)
    people.write_parquet(folder / "customers.parquet")
    kinds = {"department": "GROCERY", "category": "unknown", "brand": "unknown"}
    described = [pl.lit(value).alias(name) for name, value in kinds.items()]
    goods = interactions.select(pl.col("item_id").unique().sort(), *described)
    goods.write_parquet(folder / "items.parquet")
    first = pl.col("event_timestamp").min()
    welcome = interactions.group_by("customer_id").agg(
        pl.lit("welcome").alias("message_id"),
        pl.lit("mail").alias("channel"),
        pl.lit("unknown").alias("format"),
        first.alias("sent_at"),
        first.alias("ends_at"),
        pl.lit(value=False).alias("responded"),
        pl.lit(None, TIME).alias("responded_at"),
    )
    welcome.sort("customer_id").write_parquet(folder / "messages.parquet")


DEMOGRAPHICS = (
    "age_band",
    "income_band",
    "home_ownership",
    "marital_status",
    "household_size",
    "children",
)
