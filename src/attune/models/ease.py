"""A linear model of which items predict which, solved in closed form.

EASE, Steck, "Embarrassingly shallow autoencoders for sparse data", 2019: each item is predicted from all
others by ridge regression, and the weights of all items together are one matrix inversion.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy.linalg import lapack

from attune.errors import ModelError
from attune.models.base import Tensors
from attune.models.counting import FILL, CountingRecommender, frequent_items, recent_shares
from attune.models.customer_items import customer_items, history_items
from attune.models.history import Histories, known_purchases
from attune.models.items import Scores

_BYTES = 4  # float32


class Ease(CountingRecommender):
    """Sum the weights from every item of a history to each item of the catalogue."""

    class Config(CountingRecommender.Config):
        """How strongly the weights are held back, and how large a catalogue may be."""

        ridge: float = Field(default=500.0, gt=0, description="more for dense data, less for sparse")
        min_count: int = Field(default=1, ge=1, description="rarer items are left out")
        most_items: int = Field(default=12_000, ge=1, description="larger catalogues are refused")

    config: Config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Solve for the weights between all items.

        Raises:
            ModelError: No item was bought often enough, or the catalogue is too large to invert.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        _require_small(len(self.items), self.config.most_items)
        self.popularity_V = recent_shares(purchases, self.items, None)
        bought_CV = customer_items(purchases, self.items)
        bought_CV.data[:] = 1.0  # bought or not
        gram_VV = (bought_CV.T @ bought_CV).toarray()
        gram_VV[np.diag_indices_from(gram_VV)] += np.float32(self.config.ridge)
        self.weights_VV = _weights(_inverse(gram_VV))

    def _scores(self, histories: Histories) -> Scores:
        bought_NV = history_items(histories, len(self.items))
        bought_NV.data[:] = 1.0
        scores: Scores = bought_NV @ self.weights_VV + FILL * self.popularity_V
        return scores

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        return {}, {"weights": self.weights_VV, "popularity": self.popularity_V}

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:  # noqa: ARG002  it chose nothing
        self.weights_VV, self.popularity_V = tensors["weights"], tensors["popularity"]


def _require_small(items: int, most: int) -> None:
    if items > most:
        raise ModelError(
            f"the catalogue has {items:,} items, more than most_items = {most:,}: all pairs of them take "
            f"{items * items * _BYTES / 2**30:.1f} GiB; raise min_count, or most_items if memory allows"
        )


def _inverse(gram_VV: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The inverse of a symmetric positive definite matrix, in its own memory."""
    factor_VV, failed = lapack.spotrf(gram_VV.T, lower=True, overwrite_a=True)
    if failed:
        raise ModelError(f"the item matrix cannot be inverted (spotrf: {failed}); raise ridge")
    inverse_VV, _ = lapack.spotri(factor_VV, lower=True, overwrite_c=True)
    lower_VV = np.tril(inverse_VV)
    both: npt.NDArray[np.float32] = lower_VV + np.tril(inverse_VV, -1).T
    return both


def _weights(inverse_VV: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """B = I - P diag(1 / P): an item says nothing about itself."""
    weights_VV = inverse_VV / -np.diag(inverse_VV)
    np.fill_diagonal(weights_VV, 0.0)
    return np.ascontiguousarray(weights_VV, dtype=np.float32)
