"""Examples as sentences: "bread@9 milk@2 -> tea" bought bread 9 and milk 2 days ago, and tea afterwards."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from attune.models.history import Histories, read_histories
from attune.models.items import Items

AS_OF = pd.Timestamp("2017-06-04", tz="UTC").as_unit("us")
DAY = 86_400


def shopping(*sentences: str, as_of: pd.Timestamp = AS_OF) -> pd.DataFrame:
    """One example a sentence; the customers are called c0, c1, and so on."""
    halves = [sentence.partition("->") for sentence in sentences]
    bought = [[word.split("@") for word in before.split()] for before, _, _ in halves]
    now = int(as_of.timestamp())
    return pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(len(sentences))],
            "event_timestamp": as_of,
            "history_items": [[item for item, _ in row] for row in bought],
            "history_times": [[now - int(float(days) * DAY) for _, days in row] for row in bought],
            "label": [after.split() for _, _, after in halves],
        }
    )


def histories(items: Items, *sentences: str) -> Histories:
    """The histories of sentences, in the codes of some items."""
    return read_histories(shopping(*sentences), items.codes)


def best(model: Callable[..., tuple[np.ndarray, np.ndarray]], *sentences: str, k: int = 2) -> list[list[str]]:
    """What a model recommends, as lists."""
    found, _ = model(shopping(*sentences), k)
    return [[item for item in row if item is not None] for row in found]
