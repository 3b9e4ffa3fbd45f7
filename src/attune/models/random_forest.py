"""A random forest (Breiman, 2001): the mean of deep trees on random rows and features."""

from typing import Any

import lightgbm
import pandas as pd
from pydantic import Field

from attune.models.base import Floats
from attune.models.gradient_boosting import GradientBoosting


class RandomForest(GradientBoosting):
    """Give each customer the mean answer of many trees; LightGBM grows them, one on each draw of the rows."""

    class Config(GradientBoosting.Config):
        """How many trees, how large, and how different from each other."""

        trees: int = Field(default=300, ge=1)
        leaves: int = Field(default=63, ge=2)
        rows_per_leaf: int = Field(default=10, ge=1)
        feature_share: float = Field(default=0.4, gt=0, le=1, description="features seen at each split")
        row_share: float = Field(default=0.6, gt=0, lt=1, description="rows seen by each tree")
        penalty: float = Field(default=0.0, ge=0, description="L2 penalty of leaf values")

    config: Config

    def _grow(self, data: lightgbm.Dataset, held_out: lightgbm.Dataset) -> None:  # noqa: ARG002
        # More trees never fit worse, so there is nothing to stop for.
        self.trees = lightgbm.train(self._settings(), data, self.config.trees)

    def _settings(self) -> dict[str, Any]:
        by_split = {"feature_fraction": 1.0, "feature_fraction_bynode": self.config.feature_share}
        return {**super()._settings(), "boosting": "rf", **by_split}

    def log_odds_of(self, inputs: Floats) -> Floats:
        """The mean of what the trees say; LightGBM gives their sum."""
        return super().log_odds_of(inputs) / self.trees.num_trees()

    def shapley_values(self, examples: pd.DataFrame) -> Floats:
        """As of boosted trees; a forest answers with the mean of its trees, and LightGBM gives their sum."""
        return super().shapley_values(examples) / self.trees.num_trees()
