"""The blend: a network and boosted trees on the same features, and the mean of what both say.

They err on different customers, so their mean beats either where they are about equally good.
"""

from pathlib import Path
from typing import Self

import pandas as pd
from pydantic import Field

from attune.models.base import Floats
from attune.models.churn_network import ChurnNetwork
from attune.models.gradient_boosting import GradientBoosting


class Blend(ChurnNetwork):
    """Give each customer the mean, in log odds, of a network's answer and that of boosted trees."""

    class Config(ChurnNetwork.Config):
        """Both parts, and how much the trees weigh."""

        trees: GradientBoosting.Config = GradientBoosting.Config()
        trees_share: float = Field(default=0.5, ge=0, le=1, description="weight of the trees in the mean")

    config: Config
    grown: GradientBoosting

    def prepare(self, train: pd.DataFrame) -> None:
        """Make the network's layers; the rows are kept until the trees have learnt from them."""
        super().prepare(train)
        self._train = train

    def finish(self, validation: pd.DataFrame) -> None:
        """Grow the trees, then calibrate both together on the validation examples."""
        self.grown = GradientBoosting(self.config.trees)
        self.grown.fit(self._train, validation)
        del self._train
        super().finish(validation)

    def log_odds(self, examples: pd.DataFrame) -> Floats:
        """The weighted mean of both in log odds, before the calibration, shape [N]."""
        share = self.config.trees_share
        return (1 - share) * super().log_odds(examples) + share * self.grown.log_odds(examples)

    def save(self, folder: Path) -> None:
        """Write the network, and the trees beside it."""
        super().save(folder)
        self.grown.write_trees(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read both back."""
        blend = super().load(folder)
        blend.grown = GradientBoosting(blend.config.trees)
        blend.grown.read_trees(folder, blend.table)
        return blend
