"""A registry with versions that really serve, small enough to be copied a thousand times."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from attune import columns as c
from attune.config import Workspace
from attune.features.schema import features_of
from attune.models.catalog import build
from attune.registry import Registry, Version
from tests.origins import make_origin
from tests.presentable import make_presentable

SERVICE, ALGORITHM = "churn_v1", "logistic_regression"
NOW = datetime(2017, 6, 4, tzinfo=UTC)


@dataclass(frozen=True)
class Shop:
    """A registry with its versions."""

    workspace: Workspace
    versions: list[Version]

    @property
    def registry(self) -> Registry:
        """A registry of one's own: nothing is shared with other readers but the files."""
        return Registry(self.workspace)


def make_shop(root: Path, versions: int) -> Shop:
    """Train small models on the features of churn_v1, and register them; nobody is champion yet."""
    workspace = Workspace(root=root / "workspace")
    registry = Registry(workspace)
    made = [
        registry.register(
            _trained(root, run),
            make_origin(NOW, seed=run, run_key=f"{run:064d}", author="ann", approval="gate"),
        )
        for run in range(1, versions + 1)
    ]
    return Shop(workspace, made)


def _trained(root: Path, run: int) -> Path:
    folder = root / f"trained-{run}"
    model = build(ALGORITHM, {})
    train, validation = _examples(run, 400), _examples(run + 1000, 200)
    model.fit(train, validation)  # type: ignore[union-attr]
    model.save(folder)
    (folder / "examples.json").write_text(json.dumps({"features": dict(features_of(SERVICE))}))
    return make_presentable(folder, "churn", ALGORITHM)


def _examples(seed: int, rows: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    columns: dict[str, object] = {
        c.CUSTOMER_ID: [f"c_{row}" for row in range(rows)],
        c.EVENT_TIMESTAMP: pd.Timestamp(NOW),
        c.LABEL: draw.integers(0, 2, rows),
    }
    for name, kind in features_of(SERVICE).items():
        columns[name] = draw.choice(["a", "b"], rows) if kind == "string" else draw.gamma(2, 10, rows)
    return pd.DataFrame(columns)
