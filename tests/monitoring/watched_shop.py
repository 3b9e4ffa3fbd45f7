"""A workspace with one champion and the features of four Sundays."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from safetensors.numpy import save_file

from attune import columns as c
from attune.config import Workspace
from attune.data.consents import grant_all_but
from attune.data.tables import write_tables
from attune.features.schema import CUSTOMER_ACTIVITY, CUSTOMER_PROFILE
from attune.features.snapshots import snapshot_file, write_snapshot
from attune.registry import Registry
from tests.origins import make_origin
from tests.presentable import make_presentable

START, JULY, OCTOBER, NOVEMBER, DECEMBER = (
    datetime(2017, month, day, tzinfo=UTC) for month, day in ((1, 1), (7, 2), (10, 1), (11, 5), (12, 3))
)
CUSTOMERS = [f"customer-{number:04d}" for number in range(1300)]


def activity(seed: int) -> pd.DataFrame:
    """All customers, everyone active, no two dates alike and none drifting."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({c.CUSTOMER_ID: CUSTOMERS})
    for feature in CUSTOMER_ACTIVITY.features:
        values = draw.beta(2, 5, size=len(frame)) * (1 if feature.maximum == 1 else 50)
        frame[feature.name] = values.round() if feature.type == "int64" else values
    return frame


def make_workspace(root: Path) -> Workspace:
    """A champion that learnt in July, a calm October, a broken November, a December with larger baskets."""
    workspace = Workspace(root=root)
    profile = pd.DataFrame(
        {c.CUSTOMER_ID: CUSTOMERS} | {name: ["a", "unknown"] * 650 for name in c.DEMOGRAPHICS}
    )
    december = activity(4)
    december[c.BASKET_SIZE_90D] *= 2
    snapshots = [
        (CUSTOMER_PROFILE, START, profile),
        (CUSTOMER_ACTIVITY, JULY, activity(1)),
        (CUSTOMER_ACTIVITY, OCTOBER, activity(2)),
        (CUSTOMER_ACTIVITY, NOVEMBER, activity(3).assign(**{c.SPEND_90D: np.nan})),
        (CUSTOMER_ACTIVITY, DECEMBER, december),
    ]
    for view, as_of, rows in snapshots:
        write_snapshot(
            pl.from_pandas(rows),
            snapshot_file(workspace.features, view.name, as_of),
            as_of,
            "made for a test",
        )
    write_tables(
        workspace.tables,
        {"customers": profile, "consents": grant_all_but(CUSTOMERS, share=0.02, seed=0, at=START)},
    )
    _register(workspace, profile.merge(activity(1)).drop(columns=c.CUSTOMER_ID))
    return workspace


def _register(workspace: Workspace, reference: pd.DataFrame) -> None:
    trained = workspace.root / "trained"
    trained.mkdir()
    save_file({"weight": np.zeros(1)}, trained / "weights.safetensors")
    reference.to_parquet(trained / "reference.parquet")
    origin = make_origin(JULY)
    registry = Registry(workspace)
    version = registry.register(make_presentable(trained), origin)
    registry.promote("churn", version.version, None, "the first", "a test")
