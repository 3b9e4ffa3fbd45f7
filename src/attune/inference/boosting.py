"""Boosted trees, alone or in a blend with a graph, asked without a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from attune.inference.feature_rows import FeatureRows
from attune.inference.scoring import GraphScorer, Inputs
from attune.models.base import Floats, read_model
from attune.models.gradient_boosting import GradientBoosting


class BoostedScorer:
    """`GradientBoosting`, which also scores rows as an online store gives them."""

    def __init__(self, model: GradientBoosting) -> None:
        self._model, self._rows = model, FeatureRows(model.table)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds.

        Raises:
            ModelError: A file is missing or unreadable.
        """
        return cls(GradientBoosting.load(folder))

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of the label for each of N examples, shape [N]."""
        return self._model.score(examples)

    def score_rows(self, rows: Sequence[Mapping[str, Any]], as_of: datetime) -> Floats:  # noqa: ARG002
        """The probabilities of N customers; see `GraphScorer.score_rows`."""
        if not rows:
            return np.empty(0)
        return self._model.calibration.probabilities(log_odds(self._model, *self._rows.arrays(rows)))


class GraphBlend(GraphScorer):
    """The mean, in log odds, of a network's answer and that of boosted trees."""

    _trees: GradientBoosting
    _share: float

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check the graph on its samples; see `GraphScorer`."""
        blend = super().open(folder)
        config, _, _ = read_model(folder)
        blend._share = float(config["trees_share"])
        blend._trees = GradientBoosting(GradientBoosting.Config.parse(config["trees"]))
        blend._trees.read_trees(folder, blend.table)
        return blend

    def _logits(self, inputs: Inputs) -> Floats:
        of_trees_N = log_odds(self._trees, inputs["numbers"], inputs["codes"])
        joined_N: Floats = (1 - self._share) * super()._logits(inputs) + self._share * of_trees_N
        return joined_N


def log_odds(model: GradientBoosting, numbers_NF: Floats, codes_NC: Any) -> Floats:
    """What trees say of arrays as their table of features makes them, shape [N]."""
    return model.log_odds_of(np.hstack([numbers_NF, codes_NC]))
