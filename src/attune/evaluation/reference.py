"""What a version learnt on, kept beside it: the reference that drift is measured against."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, LABEL, SCORE

REFERENCE_FILE = "reference.parquet"
ROWS = 20_000  # more rows do not move the index of a feature by a thousandth
_NO_FEATURES = (CUSTOMER_ID, EVENT_TIMESTAMP, LABEL)


def reference_rows(train: Path, model: Any, kind: str, seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Draw rows of the training examples: their features, and the score that a scorer gives them.

    Customers, dates and labels are left out, and so are features that are lists: they name what a customer
    bought, and no distance is defined on them.

    Args:
        train: The training examples.
        model: The trained model.
        kind: "scorer" or "recommender".
        seed: The same seed draws the same rows.
        rows: How many at most.
    """
    examples = pd.read_parquet(train)
    drawn = np.random.default_rng(seed).permutation(len(examples))[:rows]
    sample = examples.iloc[np.sort(drawn)]
    reference = sample[_features(train)].reset_index(drop=True)
    if kind == "scorer":
        reference[SCORE] = model.score(sample)
    return reference


def _features(train: Path) -> list[str]:
    return [
        field.name
        for field in pq.read_schema(train)
        if field.name not in _NO_FEATURES and not pa.types.is_nested(field.type)
    ]
