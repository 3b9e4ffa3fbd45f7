"""Matrix factorisation by alternating least squares, for purchases that only say yes.

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", 2008. The package `implicit`
learns the factors; a customer's own are solved for from the history when asked, so that new customers and new
purchases need no training, and serving needs only NumPy.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from pydantic import Field

from attune.errors import ModelError
from attune.models.base import Tensors
from attune.models.counting import FILL, CountingRecommender, frequent_items, recent_shares
from attune.models.customer_items import customer_items, history_items
from attune.models.history import Histories, known_purchases
from attune.models.items import Scores

Floats32 = npt.NDArray[np.float32]


class Als(CountingRecommender):
    """Score items by the product of their factors with a customer's.

    An item bought n times counts with confidence 1 + alpha n; every other one counts as not wanted, with
    confidence 1.
    """

    class Config(CountingRecommender.Config):
        """The size of the factors and how they are learnt."""

        factors: int = Field(default=64, ge=1)
        alpha: float = Field(default=10.0, gt=0)
        ridge: float = Field(default=1.0, gt=0)
        iterations: int = Field(default=15, ge=1)
        min_count: int = Field(default=1, ge=1, description="rarer items are left out")
        seed: int = 0

    config: Config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Learn the factors of the items.

        Raises:
            ModelError: No item was bought often enough, or `implicit` is not installed.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        self.popularity_V = recent_shares(purchases, self.items, None)
        confidence_CV = customer_items(purchases, self.items)
        confidence_CV.data = 1 + np.float32(self.config.alpha) * confidence_CV.data
        self.item_VF = _item_factors(confidence_CV, self.config)

    def _scores(self, histories: Histories) -> Scores:
        bought_NV = history_items(histories, len(self.items))
        bought_NV.data *= np.float32(self.config.alpha)
        customer_NF = customer_factors(bought_NV, self.item_VF, self.config.ridge)
        scores: Scores = customer_NF @ self.item_VF.T + FILL * self.popularity_V
        return scores

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        return {}, {"factors": self.item_VF, "popularity": self.popularity_V}

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:  # noqa: ARG002  it chose nothing
        self.item_VF, self.popularity_V = tensors["factors"], tensors["popularity"]


def customer_factors(extra_NV: sp.csr_array, item_VF: Floats32, ridge: float) -> Floats32:
    """Solve for the factors of customers, given those of the items.

    Args:
        extra_NV: Confidence above 1 in each purchase.
        item_VF: Factors of the items.
        ridge: How strongly factors are held back.

    Returns:
        For each customer the x that minimises sum of confidence (bought - x y)^2 + ridge |x|^2, shape [N, F].
    """
    factors = item_VF.shape[1]
    common_FF = item_VF.T @ item_VF + np.float32(ridge) * np.eye(factors, dtype=np.float32)
    solved_NF = np.zeros((extra_NV.shape[0], factors), dtype=np.float32)
    for customer in range(len(solved_NF)):
        bought = slice(*extra_NV.indptr[customer : customer + 2])
        item_BF, extra_B = item_VF[extra_NV.indices[bought]], extra_NV.data[bought]
        if len(extra_B):
            own_FF = common_FF + (item_BF * extra_B[:, None]).T @ item_BF
            solved_NF[customer] = np.linalg.solve(own_FF, (1 + extra_B) @ item_BF)
    return solved_NF


def _item_factors(confidence_CV: sp.csr_array, config: Als.Config) -> Floats32:
    try:
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError as error:
        raise ModelError(
            "als learns with the package implicit, which is not installed; install attune[recommenders]"
        ) from error
    # Its own threads each solve small systems: BLAS threads below them only get in the way.
    with threadpool_limits(limits=1, user_api="blas"):
        learner = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.ridge,
            iterations=config.iterations,
            random_state=config.seed,
        )
        learner.fit(sp.csr_matrix(confidence_CV), show_progress=False)
    return np.ascontiguousarray(learner.item_factors, dtype=np.float32)
