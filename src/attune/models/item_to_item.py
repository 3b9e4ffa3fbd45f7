"""What is bought together with what a customer bought lately."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from pydantic import Field

from attune.columns import CUSTOMER_ID, ITEM_ID
from attune.models.base import Tensors
from attune.models.counting import FILL, CountingRecommender, frequent_items, recent_shares
from attune.models.history import Histories, known_purchases, orders_of
from attune.models.items import Scores
from attune.models.neighbours import from_tensors, sparse_tensors, strongest


class ItemToItem(CountingRecommender):
    """Sum the similarities of an item to each purchase of the history, the older purchase the less.

    The similarity of two items is the cosine of the orders, or of the customers, that hold them. An item is
    similar to itself too, by a weight that hits best on the validation examples: 0 never repeats. What no
    neighbour reaches is filled up by popularity.
    """

    class Config(CountingRecommender.Config):
        """How many neighbours are kept, and how fast a purchase is forgotten."""

        together: Literal["order", "customer"] = Field(
            default="order", description="what two items must share; customer where orders hold one item"
        )
        neighbours: int = Field(default=50, ge=1)
        half_life_days: float = Field(default=60.0, gt=0)
        own_weights: tuple[float, ...] = Field(default=(0.0, 1.0, 3.0, 10.0), min_length=1)
        min_count: int = Field(default=3, ge=1, description="rarer items are left out")
        popular_days: int = Field(default=60, ge=1, description="orders before are not popular any more")

    config: Config
    own: float

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn which items are bought together, and choose the weight of an item's own similarity.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        self.popularity_V = recent_shares(purchases, self.items, self.config.popular_days)
        code = self.items.codes(purchases[ITEM_ID])
        by_customer = self.config.together == "customer"
        holder = pd.factorize(purchases[CUSTOMER_ID])[0] if by_customer else orders_of(purchases)
        cosines_VV = _cosines(holder, code, len(self.items))
        self.similar_VV = strongest(cosines_VV, self.config.neighbours)
        self._choose("own", self.config.own_weights, validation)

    def _scores(self, histories: Histories) -> Scores:
        weight = (0.5 ** (histories.age / self.config.half_life_days)).astype(np.float32)
        shape = (len(histories), len(self.items))
        history_NV = sp.csr_array((weight, (histories.row, histories.code)), shape=shape)
        scores_NV = (history_NV @ self.similar_VV).toarray() + np.float32(self.own) * history_NV.toarray()
        filled: Scores = scores_NV + FILL * self.popularity_V
        return filled

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        tensors = sparse_tensors(self.similar_VV, "similarities") | {"popularity": self.popularity_V}
        return {"own": self.own}, tensors

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        self.own, self.popularity_V = state["own"], tensors["popularity"]
        self.similar_VV = from_tensors(tensors, "similarities")


def _cosines(holder: npt.NDArray[np.int64], code: npt.NDArray[np.int64], size: int) -> sp.csr_array:
    """The cosine between the holders of any two items, without that of an item with itself."""
    known = code >= 0
    held_HV = sp.csr_array(
        (np.ones(int(known.sum()), dtype=np.float32), (holder[known], code[known])),
        shape=(int(holder.max(initial=-1)) + 1, size),
    )
    held_HV.data[:] = 1.0  # held or not: a customer may hold an item many times
    lengths_V = np.sqrt(np.maximum(held_HV.sum(axis=0), 1.0))
    unit_HV = sp.csr_array(held_HV @ sp.dia_array((1 / lengths_V[None], [0]), shape=(size, size)))
    cosines_VV = sp.csr_array(unit_HV.T @ unit_HV)
    cosines_VV.setdiag(0.0)
    cosines_VV.eliminate_zeros()
    return cosines_VV
