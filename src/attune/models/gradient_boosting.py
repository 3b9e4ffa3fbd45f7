"""Gradient boosted trees (LightGBM) over a table of features, held back so that they generalise in time."""

from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np
import pandas as pd
from pydantic import Field

from attune.config import Settings
from attune.models.base import Floats, read_model, write_model
from attune.models.calibration import Calibration, choose_calibration
from attune.models.tabular import FeatureTable, labels_of, labels_to_learn
from attune.models.trees import best_of, read_trees, write_trees


class GradientBoosting:
    """Give each customer a probability from many small trees."""

    class Config(Settings):
        """How many trees, how large, and how strongly they are held back."""

        trees: int = Field(default=400, ge=1)
        leaves: int = Field(default=7, ge=2)
        learning_rate: float = Field(default=0.05, gt=0, le=1)
        rows_per_leaf: int = Field(default=100, ge=1)
        feature_share: float = Field(default=0.5, gt=0, le=1, description="features seen by each tree")
        row_share: float = Field(default=0.5, gt=0, le=1, description="rows seen by each tree")
        penalty: float = Field(default=10.0, ge=0, description="L2 penalty of leaf values")
        patience: int = Field(default=50, ge=1, description="trees without gain before stopping")
        seed: int = 0
        threads: int = Field(default=1, ge=1, description="fixed, because sums depend on their order")

    config: Config
    table: FeatureTable
    trees: lightgbm.Booster
    calibration: Calibration

    def __init__(self, config: Config) -> None:
        self.config = config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Grow trees until the validation examples see no more gain, and calibrate what they say on these.

        Raises:
            ModelError: A column cannot be a feature, or the labels hold one class only.
        """
        labels_N = labels_to_learn(train)
        self.table = FeatureTable.learn(train)
        categorical = list(range(len(self.table.numeric), len(self.table.columns)))
        data = lightgbm.Dataset(self._inputs(train), labels_N, categorical_feature=categorical)
        held_out = data.create_valid(self._inputs(validation), labels_of(validation))
        self._grow(data, held_out)
        self.calibration = choose_calibration(self.log_odds(validation), validation)

    def _grow(self, data: lightgbm.Dataset, held_out: lightgbm.Dataset) -> None:
        stop = lightgbm.early_stopping(self.config.patience, verbose=False)
        grown = lightgbm.train(
            self._settings(), data, self.config.trees, valid_sets=[held_out], callbacks=[stop]
        )
        self.trees = best_of(grown)

    def _settings(self) -> dict[str, Any]:
        config = self.config
        return {
            "objective": "binary",
            "num_leaves": config.leaves,
            "learning_rate": config.learning_rate,
            "min_data_in_leaf": config.rows_per_leaf,
            "min_data_per_group": config.rows_per_leaf,
            "feature_fraction": config.feature_share,
            "bagging_fraction": config.row_share,
            "bagging_freq": 1,
            "lambda_l2": config.penalty,
            "seed": config.seed,
            "num_threads": config.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of leaving for each of N examples, shape [N]."""
        return self.calibration.probabilities(self.log_odds(examples))

    def log_odds(self, examples: pd.DataFrame) -> Floats:
        """What the trees say of N examples, before the calibration, shape [N]."""
        return np.empty(0) if examples.empty else self.log_odds_of(self._inputs(examples))

    def log_odds_of(self, inputs: Floats) -> Floats:
        """The same of at least one row as `FeatureTable` makes it, numbers first, then codes."""
        return np.asarray(self.trees.predict(inputs, raw_score=True), dtype=np.float64)

    def shapley_values(self, examples: pd.DataFrame) -> Floats:
        """What each feature, in the order of the table, adds to the log odds, shape [N, features]."""
        values = self.trees.predict(self._inputs(examples), pred_contrib=True)
        return np.asarray(values, dtype=np.float64)[:, :-1]  # the last column is the mean answer

    def _inputs(self, examples: pd.DataFrame) -> Floats:
        return np.hstack([self.table.numbers(examples), self.table.codes(examples)])

    def save(self, folder: Path) -> None:
        """Write settings, columns and the calibration, and the trees as LightGBM's own text."""
        write_model(folder, self.config, self.table.model_dump(mode="json"), {})
        self.calibration.save(folder)
        self.write_trees(folder)

    def write_trees(self, folder: Path) -> None:
        """Write the trees alone, for a model that they are a part of."""
        write_trees(folder, self.trees)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back.

        Raises:
            ModelError: The trees are missing or unreadable.
        """
        config, table, _ = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.read_trees(folder, FeatureTable.parse(table))
        model.calibration = Calibration.load(folder)
        return model

    def read_trees(self, folder: Path, table: FeatureTable) -> None:
        """Read what `write_trees` wrote, for the features of a table.

        Raises:
            ModelError: The trees are missing or unreadable.
        """
        self.table, self.trees = table, read_trees(folder)
