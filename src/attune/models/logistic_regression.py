"""Logistic regression over a table of features: the simple model that a churn network has to beat.

N examples, F numeric features, C categorical features, I inputs: numbers, then one indicator per category.
"""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field

from attune.config import Settings
from attune.models.base import Floats, Tensors, read_model, write_model
from attune.models.calibration import Calibration, choose_calibration
from attune.models.tabular import FARTHEST, FeatureTable, labels_to_learn, scales


class LogisticRegression:
    """Give each customer a probability that is linear, in log odds, in the standardised features."""

    class Config(Settings):
        """How strongly the weights are held back."""

        c: float = Field(default=0.1, gt=0, description="inverse strength of the L2 penalty")
        max_iterations: int = Field(default=500, ge=1)

    config: Config
    table: FeatureTable
    weights: Tensors
    calibration: Calibration

    def __init__(self, config: Config) -> None:
        self.config = config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn the weights; the validation examples calibrate, nothing else.

        Raises:
            ModelError: A column cannot be a feature, or the labels hold one class only.
        """
        from sklearn.linear_model import LogisticRegression as Solver  # servers have none, and need none

        labels_N = labels_to_learn(train)
        self.table = FeatureTable.learn(train)
        mean_F, scale_F = scales(self.table.numbers(train))
        self.weights = {"mean_F": mean_F, "scale_F": scale_F}
        solver = Solver(C=self.config.c, max_iter=self.config.max_iterations)
        solver.fit(self._inputs(train), labels_N)
        self.weights |= {"weight_I": solver.coef_[0], "bias": solver.intercept_}
        self.calibration = choose_calibration(self.log_odds(validation), validation)

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of leaving for each of N examples, shape [N]."""
        return self.calibration.probabilities(self.log_odds(examples))

    def log_odds(self, examples: pd.DataFrame) -> Floats:
        """What the line says of N examples, before the calibration, shape [N]."""
        log_odds_N: Floats = self._inputs(examples) @ self.weights["weight_I"] + self.weights["bias"]
        return log_odds_N

    def terms(self, examples: pd.DataFrame) -> Floats:
        """What each feature, in the order of the table, adds to the log odds, shape [N, features]."""
        terms_NI = self._inputs(examples) * self.weights["weight_I"]
        widths = [1] * len(self.table.numeric) + self.table.sizes
        return np.add.reduceat(terms_NI, np.cumsum([0, *widths[:-1]]), axis=1)

    def _inputs(self, examples: pd.DataFrame) -> Floats:
        numbers_NF = self.table.numbers(examples)
        standard_NF = (numbers_NF - self.weights["mean_F"]) / self.weights["scale_F"]
        indicators = [
            codes_N[:, None] == np.arange(size)
            for codes_N, size in zip(self.table.codes(examples).T, self.table.sizes, strict=True)
        ]
        return np.hstack([np.clip(standard_NF, -FARTHEST, FARTHEST), *indicators], dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write settings, columns, weights and the calibration."""
        write_model(folder, self.config, self.table.model_dump(mode="json"), self.weights)
        self.calibration.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back."""
        config, table, weights = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.table, model.weights = FeatureTable.parse(table), weights
        model.calibration = Calibration.load(folder)
        return model
