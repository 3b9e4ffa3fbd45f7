"""What sold best lately, or ever, the same for everybody: the simplest recommender."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from attune.models.base import Tensors
from attune.models.counting import CountingRecommender, frequent_items, recent_shares
from attune.models.history import Histories, known_purchases
from attune.models.items import Scores


class Popularity(CountingRecommender):
    """Rank items by in how many orders of the last weeks they were."""

    class Config(CountingRecommender.Config):
        """How long popularity lasts."""

        recent_days: int | None = Field(
            default=28, ge=1, description="orders before count no more; None counts all"
        )

    config: Config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Count the orders that the training examples know of.

        Raises:
            ModelError: The examples know of no purchase.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases)
        self.shares_V = recent_shares(purchases, self.items, self.config.recent_days)

    def _scores(self, histories: Histories) -> Scores:
        return np.broadcast_to(self.shares_V, (len(histories), len(self.items)))

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        return {}, {"shares": self.shares_V}

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:  # noqa: ARG002  it chose nothing
        self.shares_V = tensors["shares"]
