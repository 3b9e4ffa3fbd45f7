"""Every scorer of the catalogue, trained small, on examples with a history."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from attune.models import catalog
from attune.training.loop_settings import LoopSettings
from attune.training.train import teach
from tests.models.examples import AS_OF, churn_examples

SCORERS = [name for name, entry in catalog.MODELS.items() if entry.kind == "scorer"]
SMALL = {"members": 2, "width": 8, "bins": 8, "dropout": 0.0}
TREES = {"rows_per_leaf": 10, "feature_share": 1.0}
LOOP = LoopSettings(epochs=3, batch_size=64, learning_rate=0.01)


def rows(count: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    now = int(AS_OF.timestamp())
    times = [now - 86_400 * np.sort(draw.integers(1, 90, draw.integers(0, 6)))[::-1] for _ in range(count)]
    return churn_examples(count, seed).assign(history_times=times)


@cache
def learnt(name: str) -> Any:
    settings = {"churn_network": SMALL, "response_network": SMALL, "gradient_boosting": TREES}
    model = catalog.build(name, {**SMALL, "trees": TREES} if name == "blend" else settings.get(name, {}))
    teach(model, rows(300, 0), rows(80, 1), LOOP)
    return model
