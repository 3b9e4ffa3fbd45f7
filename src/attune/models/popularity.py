"""What sold best lately, the same for everybody: the simplest recommender."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from attune.columns import ITEM_ID
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats, read_model, write_model
from attune.models.history import SECOND, Histories, known_purchases, read_histories
from attune.models.items import Items, Scores, recommend_best

_DAY = 86_400.0


class Popularity:
    """Rank items by in how many orders of the last weeks they were."""

    class Config(Settings):
        """How long popularity lasts."""

        recent_days: int = Field(default=28, ge=1, description="orders before count no more")
        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")

    config: Config

    def __init__(self, config: Config) -> None:
        self.config = config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Count the orders that the training examples know of.

        Raises:
            ModelError: The examples know of no purchase.
        """
        purchases = known_purchases(train)
        self.items = Items(sorted(purchases[ITEM_ID].unique()))
        if not len(self.items):
            raise ModelError(f"{len(train)} examples know of no purchase; choose a longer window")
        self.shares_V = recent_shares(purchases, self.items, self.config.recent_days)

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend the same to everybody; see `Recommender`."""
        histories = read_histories(examples, self.items.codes)
        exclude = self.config.exclude_seen
        return recommend_best(self.items, self._scores, histories, k, allowed, exclude_seen=exclude)

    def _scores(self, histories: Histories) -> Scores:
        return np.broadcast_to(self.shares_V, (len(histories), len(self.items)))

    def save(self, folder: Path) -> None:
        """Write settings, items and their shares."""
        write_model(folder, self.config, {"items": list(self.items.ids)}, {"shares": self.shares_V})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back."""
        config, state, tensors = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.items, model.shares_V = Items(state["items"]), tensors["shares"]
        return model


def recent_shares(purchases: pd.DataFrame, items: Items, days: int) -> Scores:
    """How often each item was bought in the last days of the purchases, as a share of the most bought item.

    Args:
        purchases: As `known_purchases` gives them: one line an item and order.
        items: The catalogue.
        days: How many days before the last purchase still count.

    Returns:
        Within [0, 1], shape [V].
    """
    recent = purchases[purchases[SECOND] > purchases[SECOND].max() - days * _DAY]
    codes = items.codes(recent[ITEM_ID])
    counts = np.bincount(codes[codes >= 0], minlength=len(items))
    shares: Scores = (counts / max(1, counts.max(initial=0))).astype(np.float32)
    return shares
