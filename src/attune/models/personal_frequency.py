"""What a customer bought most often lately: in shops where people come back, hard to beat."""

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from attune.models.base import Tensors
from attune.models.counting import CountingRecommender, frequent_items, recent_shares
from attune.models.history import Histories, known_purchases
from attune.models.items import Scores


class PersonalFrequency(CountingRecommender):
    """Count a customer's own purchases, the older the less, and fill up with what is popular.

    The score of an item is the sum of 0.5^(age / half-life) over its purchases, plus its popularity times a
    weight. Half-life and weight are those that hit best on the validation examples.
    """

    class Config(CountingRecommender.Config):
        """Which half-lives and weights to choose from."""

        half_lives_days: tuple[float, ...] = Field(default=(14.0, 30.0, 60.0, 90.0, 180.0), min_length=1)
        popularity_weights: tuple[float, ...] = Field(default=(0.3, 1.0, 2.0, 0.001), min_length=1)
        popular_days: int = Field(default=60, ge=1, description="orders before are not popular any more")

    config: Config
    half_life: float
    weight: float

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn what is popular, and choose half-life and weight.

        Raises:
            ModelError: The examples know of no purchase.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases)
        self.popularity_V = recent_shares(purchases, self.items, self.config.popular_days)
        # One after the other: the best weight hardly depends on the half-life.
        half_lives, weights = self.config.half_lives_days, self.config.popularity_weights
        self.weight = weights[0]
        self._choose("half_life", half_lives, validation)
        self._choose("weight", weights, validation)

    def _scores(self, histories: Histories) -> Scores:
        scores_NV = np.tile(np.float32(self.weight) * self.popularity_V, (len(histories), 1))
        decayed = 0.5 ** (histories.age / self.half_life)
        np.add.at(scores_NV, (histories.row, histories.code), decayed.astype(np.float32))
        return scores_NV

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        return {"half_life": self.half_life, "weight": self.weight}, {"popularity": self.popularity_V}

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        self.half_life, self.weight = state["half_life"], state["weight"]
        self.popularity_V = tensors["popularity"]
