"""A small shop with a champion of each served model, and a server over it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from attune import columns as c
from attune.adapters.feast import FeastStore
from attune.config import Workspace
from attune.data.consents import agreed
from attune.data.importing import import_tables
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.data.synthetic import make_shop
from attune.data.tables import read_table
from attune.models.catalog import build
from attune.registry import Registry, Version
from attune.training.examples import fetch_examples
from attune.training.plan import TrainingPlan
from attune.training.refresh import refresh_features
from serving.client import AttuneClient
from serving.server import RunningServer, start
from serving.settings import ServingSettings
from tests.origins import make_origin
from tests.presentable import make_presentable

NOW = datetime(2017, 10, 8, tzinfo=UTC)
PARAMS: dict[str, Any] = {
    "churn": {
        "feature_service": "churn_v1",
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": {"first": "2017-04-02", "train_every_days": 28},
        "network": "logistic_regression",
        "candidates": {"logistic_regression": {}},
    },
    "recommend": {
        "feature_service": "recommend_v1",
        "purpose": "recommend",
        "kind": "recommender",
        "label": {"next_days": 7},
        "as_of": {"first": "2017-04-02", "train_every_days": 28},
        "network": "personal_frequency",
        "candidates": {"personal_frequency": {}},
    },
}


@dataclass(frozen=True)
class Shop:
    """A workspace, and raw ids of customers who are interesting to ask for."""

    workspace: Workspace
    made: Path
    loyal: str
    second: str
    refusing_churn: str
    refusing_recommend: str
    settings: ServingSettings

    def pseudonym(self, raw: str) -> str:
        return pseudonym(load_or_make_key(self.workspace.pseudonym_key), raw)

    def examples(self, name: str) -> Path:
        """What a model's champion learnt from."""
        return self.made / f"{name}-examples"

    def elsewhere(self, folder: Path) -> "Shop":
        """The same shop in another folder, to be changed or broken there."""
        shutil.copytree(self.workspace.root, folder, ignore=shutil.ignore_patterns("runs", "predictions"))
        return replace(self, workspace=Workspace(root=folder))


def register(workspace: Workspace, name: str, examples: Path, trained: Path, run: int = 1) -> Version:
    """Train the one candidate of a plan on its examples and make it a version."""
    plan = TrainingPlan.parse(PARAMS[name])
    model = build(plan.network, plan.candidates[plan.network])
    train, validation = (pd.read_parquet(examples / f"{part}.parquet") for part in ("train", "validation"))
    model.fit(train, validation)
    model.save(trained)
    shutil.copy(examples / "examples.json", trained)
    make_presentable(trained, name, plan.network)
    return Registry(workspace).register(
        trained, make_origin(NOW, name=name, algorithm=plan.network, run_key=f"{run:064x}")
    )


def release(workspace: Workspace, name: str, examples: Path, trained: Path, run: int = 1) -> Version:
    """Make a version and make it champion."""
    version = register(workspace, name, examples, trained, run)
    registry = Registry(workspace)
    champion = registry.champion(name)
    registry.promote(name, version.version, champion.version if champion else None, "a test", "a test")
    return version


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("serving")
    workspace = Workspace(root=folder / "workspace")
    raw = make_shop(customers=120, items=30, weeks=40)
    key = load_or_make_key(workspace.pseudonym_key)
    import_tables(raw, workspace.tables, key)
    store = FeastStore(workspace)
    refresh_features(store, workspace, PARAMS, NOW)
    for name in PARAMS:
        plan = TrainingPlan.parse(PARAMS[name])
        examples = folder / f"{name}-examples"
        fetch_examples(store, workspace.tables, workspace.features, name, plan, NOW, examples)
        release(workspace, name, examples, folder / f"{name}-1")
    return _with_ids(workspace, folder, raw.customers[c.CUSTOMER_ID].tolist(), key)


def _with_ids(workspace: Workspace, made: Path, raw_ids: list[str], key: bytes) -> Shop:
    consents = read_table(workspace.tables, "consents")
    churn, recommend = agreed(consents, "churn"), agreed(consents, "recommend")
    store = FeastStore(workspace)
    known = {raw: pseudonym(key, raw) for raw in raw_ids}
    rows = store.online("recommend_v1", list(known.values()), NOW)
    active = {row.key for row in rows if row.known and row.values[c.ORDERS_90D]}
    loyal, second, *_ = (raw for raw, name in known.items() if name in churn & recommend & active)
    return Shop(
        workspace=workspace,
        made=made,
        loyal=loyal,
        second=second,
        refusing_churn=next(raw for raw, name in known.items() if name not in churn),
        refusing_recommend=next(raw for raw, name in known.items() if name not in recommend),
        settings=ServingSettings(now=NOW, refresh_seconds=0.2),
    )


@pytest.fixture(scope="session")
def server(shop: Shop) -> Iterator[RunningServer]:
    """One server over the shop; tests that change it take a shop elsewhere."""
    with start(shop.workspace, settings=shop.settings) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[AttuneClient]:
    with AttuneClient(server.url) as opened:
        yield opened
