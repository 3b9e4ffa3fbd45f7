from collections.abc import Callable, Mapping

import pandas as pd
import pytest

from attune.data.raw import RawTables


def _interactions(*rows: str) -> pd.DataFrame:
    """Contract rows from "customer item MM-DD" and, if wanted, an event; all of 2017, one order a row."""
    parts = [row.split() for row in rows]
    times = pd.to_datetime([f"2017-{part[2]}" for part in parts], utc=True).as_unit("us")
    return pd.DataFrame(
        {
            "interaction_id": [f"i{number}" for number in range(len(rows))],
            "customer_id": [part[0] for part in parts],
            "item_id": [part[1] for part in parts],
            "order_id": [f"o{number}" for number in range(len(rows))],
            "event": [part[3] if len(part) > 3 else "purchase" for part in parts],
            "event_timestamp": times,
            "created_timestamp": times,
            "quantity": 1.0,
            "amount": 2.5,
            "discount": 0.5,
        }
    )


@pytest.fixture
def interactions() -> Callable[..., pd.DataFrame]:
    return _interactions


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    """Small contract tables that hold."""
    people = ["ann", "bob"]
    unknown = dict.fromkeys(
        ("age_band", "income_band", "home_ownership", "marital_status", "household_size", "children"),
        "unknown",
    )
    goods = pd.DataFrame({"item_id": ["bread", "milk"]})
    return {
        "customers": pd.DataFrame({"customer_id": people, **unknown}),
        "items": goods.assign(department="FOOD", category="unknown", brand="unknown"),
        "interactions": _interactions("ann bread 01-01", "bob milk 01-31", "ann milk 02-03"),
    }


@pytest.fixture
def raw() -> Callable[..., RawTables]:
    """Makes raw tables of two customers and two items; columns or rows of interactions may be changed."""

    def make(changes: Mapping[str, object] | None = None, **fields: object) -> RawTables:
        lines = pd.DataFrame(
            {
                "customer_id": ["ann", "bob", "ann"],
                "item_id": ["bread", "milk", "milk"],
                "order_id": ["1", "2", "3"],
                "event_timestamp": ["2017-01-01T10:00", "2017-01-31T10:00", "2017-02-03T10:00"],
                "quantity": [1, 2, 3],
                "amount": [2.5, 1.0, 3.0],
                "discount": [0.0, 0.0, 0.5],
            }
        )
        tables: dict[str, object] = {
            "customers": pd.DataFrame({"customer_id": ["ann", "bob"]}),
            "items": pd.DataFrame({"item_id": ["bread", "milk"], "department": ["FOOD", "DAIRY"]}),
            "interactions": lines.assign(**dict(changes or {})),
        }
        return RawTables(**{"source": "a small shop", **tables, **fields})

    return make
