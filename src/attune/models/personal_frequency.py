"""What a customer bought most often lately: in shops where people come back, hard to beat."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from attune.columns import ITEM_ID, LABEL
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats, read_model, write_model
from attune.models.history import Histories, known_purchases, read_histories
from attune.models.hits import TEN, hit_rate
from attune.models.items import Items, Scores, recommend_best
from attune.models.popularity import recent_shares


class PersonalFrequency:
    """Count a customer's own purchases, the older the less, and fill up with what is popular.

    The score of an item is the sum of 0.5^(age / half-life) over its purchases, plus its popularity times a
    weight. Half-life and weight are those that hit best on the validation examples.
    """

    class Config(Settings):
        """Which half-lives and weights to choose from."""

        half_lives_days: tuple[float, ...] = Field(default=(14.0, 30.0, 60.0, 90.0, 180.0), min_length=1)
        popularity_weights: tuple[float, ...] = Field(default=(0.3, 1.0, 2.0, 0.001), min_length=1)
        popular_days: int = Field(default=60, ge=1, description="orders before are not popular any more")
        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")

    config: Config

    def __init__(self, config: Config) -> None:
        self.config = config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn what is popular, and choose half-life and weight.

        Raises:
            ModelError: The examples know of no purchase.
        """
        purchases = known_purchases(train)
        self.items = Items(sorted(purchases[ITEM_ID].unique()))
        if not len(self.items):
            raise ModelError(f"{len(train)} examples know of no purchase; choose a longer window")
        self.popularity_V = recent_shares(purchases, self.items, self.config.popular_days)
        # One after the other: the best weight hardly depends on the half-life.
        half_lives, weights = self.config.half_lives_days, self.config.popularity_weights
        self.half_life = max(half_lives, key=lambda days: self._hits(validation, days, weights[0]))
        self.weight = max(weights, key=lambda weight: self._hits(validation, self.half_life, weight))

    def _hits(self, validation: pd.DataFrame, half_life: float, weight: float) -> float:
        self.half_life, self.weight = half_life, weight
        return hit_rate(self.recommend(validation, TEN)[0], validation[LABEL])

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend what each customer buys most; see `Recommender`."""
        histories = read_histories(examples, self.items.codes)
        exclude = self.config.exclude_seen
        return recommend_best(self.items, self._scores, histories, k, allowed, exclude_seen=exclude)

    def _scores(self, histories: Histories) -> Scores:
        scores_NV = np.tile(np.float32(self.weight) * self.popularity_V, (len(histories), 1))
        decayed = 0.5 ** (histories.age / self.half_life)
        np.add.at(scores_NV, (histories.row, histories.code), decayed.astype(np.float32))
        return scores_NV

    def save(self, folder: Path) -> None:
        """Write settings, items, their popularity and what was chosen."""
        state = {"items": list(self.items.ids), "half_life": self.half_life, "weight": self.weight}
        write_model(folder, self.config, state, {"popularity": self.popularity_V})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back."""
        config, state, tensors = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.items, model.popularity_V = Items(state["items"]), tensors["popularity"]
        model.half_life, model.weight = state["half_life"], state["weight"]
        return model
