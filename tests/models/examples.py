"""Small examples with a known truth, for every model of the catalogue."""

from pathlib import Path

import numpy as np
import pandas as pd

from attune.models.catalog import MODELS
from attune.training.loop_settings import LoopSettings

FAST = LoopSettings(epochs=4, batch_size=64, learning_rate=0.01)
AS_OF = pd.Timestamp("2017-06-04", tz="UTC").as_unit("us")
ITEMS = [f"item-{number:02}" for number in range(30)]


def churn_examples(rows: int, seed: int) -> pd.DataFrame:
    """Customers who have not bought for long leave; nothing else matters."""
    draw = np.random.default_rng(seed)
    recency = draw.uniform(0, 90, rows)
    leaves = draw.random(rows) < np.where(recency > 45, 0.95, 0.05)
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(rows)],
            "event_timestamp": AS_OF,
            "recency_days": recency,
            "orders_90d": draw.integers(1, 30, rows),
            "always_seven": 7.0,
            "age_band": draw.choice(["25-34", "35-44", "unknown"], rows),
            "label": leaves.astype("int8"),
        }
    )


def next_item_examples(rows: int, seed: int) -> pd.DataFrame:
    """Customers buy, a week apart, items that follow each other in the list; next comes the next one."""
    draw = np.random.default_rng(seed)
    starts, lengths = draw.integers(0, len(ITEMS), rows), draw.integers(3, 9, rows)
    walks = [
        [ITEMS[(start + step) % len(ITEMS)] for step in range(length + 1)]
        for start, length in zip(starts, lengths, strict=True)
    ]
    now = int(AS_OF.timestamp())
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(rows)],
            "event_timestamp": AS_OF,
            "history_items": [walk[:-1] for walk in walks],
            "history_times": [[now - 604_800 * ago for ago in range(len(walk) - 1, 0, -1)] for walk in walks],
            "age_band": draw.choice(["25-34", "unknown"], rows),
            "income_band": "unknown",
            "tenure_days": 7.0 * lengths,
            "orders_90d": lengths,
            "label": [[walk[-1]] for walk in walks],
        }
    )


def examples_for(name: str, rows: int, seed: int) -> pd.DataFrame:
    """Examples of the kind that a model reads."""
    make = churn_examples if MODELS[name].kind == "scorer" else next_item_examples
    return make(rows, seed)


def write_examples(name: str, folder: Path) -> Path:
    """Write a folder of examples as the step before training does."""
    folder.mkdir(parents=True)
    for seed, (part, rows) in enumerate({"train": 400, "validation": 80, "test": 60}.items()):
        examples_for(name, rows, seed).to_parquet(folder / f"{part}.parquet")
    return folder
