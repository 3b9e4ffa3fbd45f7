"""A small shop, imported, built and online: interactions are pushed to it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from attune.adapters.feast import FeastStore
from attune.config import Workspace
from attune.data.arrivals import as_interactions
from attune.data.importing import import_tables
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.data.synthetic import make_shop
from attune.features.build import build_features
from attune.features.settings import FeatureSettings

WEEKS = 8
ONLINE = datetime(2017, 2, 26, tzinfo=UTC)
SERVICES = ("churn_v1", "recommend_v1")


def open_shop(root: Path) -> Workspace:
    workspace = Workspace(root=root)
    raw = make_shop(customers=20, items=12, weeks=WEEKS)
    import_tables(raw, workspace.tables, load_or_make_key(workspace.pseudonym_key))
    build(workspace, ONLINE)
    store = FeastStore(workspace)
    store.apply()
    store.materialize(ONLINE)
    return workspace


def copy_of(opened: Workspace, root: Path) -> Workspace:
    """A shop of one's own; the registry names the places of its snapshots, so it is written anew."""
    shutil.copytree(opened.root, root)
    workspace = Workspace(root=root)
    FeastStore(workspace).apply()
    return workspace


def build(workspace: Workspace, as_of: datetime) -> None:
    wanted = {service: [as_of] for service in SERVICES}
    build_features(workspace.tables, workspace.features, wanted, FeatureSettings())


def customer(workspace: Workspace, number: int) -> str:
    return pseudonym(load_or_make_key(workspace.pseudonym_key), f"customer {number}")


def lines(workspace: Workspace, *given: dict[str, Any]) -> pd.DataFrame:
    return as_interactions([*_rows(workspace, given)])


def _rows(workspace: Workspace, given: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for number, changes in enumerate(given):
        moment = changes.get("event_timestamp", "2017-02-28T10:00Z")
        row = {
            "interaction_id": f"new {number}",
            "customer_id": customer(workspace, 0),
            "item_id": "item 1",
            "order_id": f"new order {number}",
            "event": "purchase",
            "event_timestamp": moment,
            "created_timestamp": moment,
            "quantity": 1.0,
            "amount": 2.5,
            "discount": 0.5,
        } | changes
        times = {name: row[name] for name in ("event_timestamp", "created_timestamp")}
        yield row | {name: pd.Timestamp(time).to_pydatetime() for name, time in times.items()}
