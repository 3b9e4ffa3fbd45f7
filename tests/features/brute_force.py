"""What the views of interactions mean, in plain loops: slow, and hard to get wrong."""

import re
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from attune.columns import DEPARTMENT_SHARES, DEPARTMENTS

Row = dict[str, Any]
DAY = timedelta(days=1)


def known(interactions: list[Row], as_of: datetime) -> list[Row]:
    """The version of each interaction that was known at a time, by time and id."""
    latest: dict[str, Row] = {}
    for row in interactions:
        if row["event_timestamp"] < as_of and row["created_timestamp"] <= as_of:
            other = latest.get(row["interaction_id"])
            if other is None or row["created_timestamp"] > other["created_timestamp"]:
                latest[row["interaction_id"]] = row
    return sorted(latest.values(), key=lambda row: (row["event_timestamp"], row["interaction_id"]))


def activity(interactions: list[Row], departments: dict[str, str | None], as_of: datetime) -> dict[str, Row]:
    """customer_activity by customer."""
    rows = known(interactions, as_of)
    customers = sorted({row["customer_id"] for row in rows if row["event"] == "purchase"})
    return {
        name: _of_customer([row for row in rows if row["customer_id"] == name], departments, as_of)
        for name in customers
    }


def _of_customer(rows: list[Row], departments: dict[str, str | None], as_of: datetime) -> Row:
    bought = [row for row in rows if row["event"] == "purchase"]
    recent = [row for row in bought if row["event_timestamp"] >= as_of - 90 * DAY]
    orders: dict[str, list[Row]] = {}
    for row in recent:
        orders.setdefault(row["order_id"], []).append(row)
    starts = {order: min(line["event_timestamp"] for line in lines) for order, lines in orders.items()}
    features: Row = {
        "recency_days": (as_of - bought[-1]["event_timestamp"]) / DAY,
        "tenure_days": (as_of - bought[0]["event_timestamp"]) / DAY,
    }
    for days in (7, 30, 90):
        window = [order for order, start in starts.items() if start >= as_of - days * DAY]
        paid = sum(line["amount"] for order in window for line in orders[order])
        back = sum(
            row["amount"]
            for row in rows
            if row["event"] == "return" and row["event_timestamp"] >= as_of - days * DAY
        )
        features[f"orders_{days}d"] = len(window)
        features[f"spend_{days}d"] = max(0.0, paid - back)
    paid, saved = (sum(row[column] for row in recent) for column in ("amount", "discount"))
    gaps = [(later - earlier) / DAY for earlier, later in pairwise(sorted(starts.values()))]
    features["basket_size_90d"] = len(recent) / len(orders) if orders else 0.0
    features["discount_share_90d"] = saved / (paid + saved) if recent else 0.0
    features["days_between_orders_90d"] = sum(gaps) / len(gaps) if gaps else 90.0
    for name, share in zip((*DEPARTMENTS, "other"), DEPARTMENT_SHARES, strict=True):
        part = sum(row["amount"] for row in recent if _department(departments.get(row["item_id"])) == name)
        features[share] = part / paid if paid else 0.0
    return features


def history(interactions: list[Row], as_of: datetime, length: int) -> dict[str, tuple[list[str], list[int]]]:
    """customer_history by customer."""
    lists: dict[str, tuple[list[str], list[int]]] = {}
    for row in known(interactions, as_of):
        if row["event"] == "purchase":
            items, times = lists.setdefault(row["customer_id"], ([], []))
            items.append(row["item_id"])
            times.append(int(row["event_timestamp"].timestamp()))
    return {name: (items[-length:], times[-length:]) for name, (items, times) in lists.items()}


def popularity(interactions: list[Row], as_of: datetime) -> dict[str, tuple[int, int, int, int]]:
    """item_popularity by item: orders of 7, 30 and 90 days, customers of 30."""
    rows = [
        row
        for row in known(interactions, as_of)
        if row["event"] == "purchase" and row["event_timestamp"] >= as_of - 90 * DAY
    ]

    def distinct(item: str, column: str, days: int) -> int:
        return len(
            {
                row[column]
                for row in rows
                if row["item_id"] == item and row["event_timestamp"] >= as_of - days * DAY
            }
        )

    return {
        item: (*(distinct(item, "order_id", days) for days in (7, 30, 90)), distinct(item, "customer_id", 30))
        for item in {row["item_id"] for row in rows}
    }


def _department(name: str | None) -> str:
    plain = re.sub("[^a-z0-9]+", "_", (name or "").lower()).strip("_")
    return plain if plain in DEPARTMENTS else "other"
