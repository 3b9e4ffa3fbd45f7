"""The next order from one's own orders and from those of customers who shop alike.

The idea of TIFU-kNN (Hu and others, "Modeling personalized item frequency information for next-basket
recommendation", 2020): a customer is a vector of how often each item was bought, the older orders the less,
and the answer lies between one's own vector and the mean of the nearest ones.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from pydantic import Field

from attune.columns import CUSTOMER_ID, ITEM_ID
from attune.models.base import Tensors
from attune.models.counting import FILL, CountingRecommender, frequent_items, recent_shares
from attune.models.history import SECOND, Histories, known_purchases, orders_of
from attune.models.items import Scores

Floats32 = npt.NDArray[np.float32]


class NextBasket(CountingRecommender):
    """Mix a customer's decayed item frequencies with those of the nearest customers.

    Orders are grouped, the newest first. Within a group an order weighs `order_decay` of the next newer one,
    and a group `group_decay` of the next newer group. The part of the own vector is the one that hits
    best on the validation examples. The vectors of customers are part of the model, without their ids.
    """

    class Config(CountingRecommender.Config):
        """How fast orders are forgotten and how many customers are asked."""

        group_size: int = Field(default=7, ge=1, description="orders in a group")
        order_decay: float = Field(default=0.9, gt=0, le=1)
        group_decay: float = Field(default=0.7, gt=0, le=1)
        nearest: int = Field(default=300, ge=1, description="customers asked")
        own_parts: tuple[float, ...] = Field(default=(0.3, 0.7, 0.9), min_length=1)
        min_count: int = Field(default=1, ge=1, description="rarer items are left out")
        most_customers: int = Field(default=20_000, ge=1, description="only the latest shoppers are kept")

    config: Config
    own: float

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Remember how customers shop, and choose how much to trust the own history.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        self.popularity_V = recent_shares(purchases, self.items, None)
        kept = _latest(purchases, self.config.most_customers)
        code = self.items.codes(kept[ITEM_ID])
        known = code >= 0
        customer = pd.factorize(kept[CUSTOMER_ID], sort=True)[0]
        shape = (int(customer.max(initial=-1)) + 1, len(self.items))
        weight = self._weights(customer, orders_of(kept))
        self.others_CV = _vectors(customer[known], code[known], weight[known], shape)
        self._choose("own", self.config.own_parts, validation)

    def _weights(self, customer: npt.NDArray[np.int64], order: npt.NDArray[np.int64]) -> Floats32:
        config = self.config
        return order_weights(customer, order, config.group_size, config.order_decay, config.group_decay)

    def _scores(self, histories: Histories) -> Scores:
        shape = (len(histories), len(self.items))
        weight = self._weights(histories.row, histories.order)
        own_NV = _vectors(histories.row, histories.code, weight, shape)
        nearest_NC = _nearest(own_NV, self.others_CV, self.config.nearest)
        mixed_NV = self.own * own_NV + (1 - self.own) * (nearest_NC @ self.others_CV)
        scores: Scores = mixed_NV.toarray().astype(np.float32) + FILL * self.popularity_V
        return scores

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        tensors = {
            "starts": self.others_CV.indptr.astype(np.int64),
            "bought": self.others_CV.indices.astype(np.int32),
            "frequencies": self.others_CV.data,
            "popularity": self.popularity_V,
        }
        return {"own": self.own}, tensors

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        self.own, self.popularity_V = state["own"], tensors["popularity"]
        parts = tensors["frequencies"], tensors["bought"], tensors["starts"]
        self.others_CV = sp.csr_array(parts, shape=(len(tensors["starts"]) - 1, len(self.items)))


def order_weights(
    customer: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
    group_size: int,
    order_decay: float,
    group_decay: float,
) -> Floats32:
    """What each of M purchases counts in its customer's vector, shape [M].

    Args:
        customer: Of each purchase, not decreasing.
        order: Number of its order, not decreasing, never shared by two customers.
        group_size: Orders in a group, counted from the newest; the oldest group may be smaller.
        order_decay: What an order weighs beside the next newer one of its group.
        group_decay: What a group weighs beside the next newer one.

    >>> order_weights(np.array([0, 0, 0]), np.array([0, 1, 2]), 2, 0.5, 0.1).tolist()
    [0.05000000074505806, 0.125, 0.25]
    """
    _, first_O, order_M = np.unique(order, return_index=True, return_inverse=True)
    customer_O = customer[first_O]
    count_C = np.bincount(customer_O, minlength=int(customer.max(initial=-1)) + 1)
    ends_C = np.cumsum(count_C)
    back_O = ends_C[customer_O] - 1 - np.arange(len(first_O))
    group_O, place_O = back_O // group_size, back_O % group_size
    size_O = np.minimum(group_size, count_C[customer_O] - group_O * group_size)
    groups_O = -(-count_C[customer_O] // group_size)
    weight_O = order_decay**place_O / size_O * group_decay**group_O / groups_O
    weights: Floats32 = weight_O[order_M].astype(np.float32)
    return weights


def _latest(purchases: pd.DataFrame, most: int) -> pd.DataFrame:
    last = purchases.groupby(CUSTOMER_ID, sort=True)[SECOND].max()
    kept = last.sort_values(ascending=False, kind="stable").index[:most]
    return purchases[purchases[CUSTOMER_ID].isin(kept)]


def _vectors(
    row: npt.NDArray[np.int64], code: npt.NDArray[np.int64], weight: Floats32, shape: tuple[int, int]
) -> sp.csr_array:
    return sp.csr_array((weight, (row, code)), shape=shape)  # what is given twice is added up


def _nearest(own_NV: sp.csr_array, others_CV: sp.csr_array, count: int) -> sp.csr_array:
    """The mean of the nearest customers by Euclidean distance, as shares of 1, shape [N, C]."""
    count = min(count, others_CV.shape[0])
    square_C = np.asarray(others_CV.multiply(others_CV).sum(axis=1)).ravel()
    # The own length is the same for all others: it does not change who is near.
    distance_NC = square_C - 2 * (own_NV @ others_CV.T).toarray()
    nearest_NK = np.sort(np.argpartition(distance_NC, count - 1, axis=1)[:, :count], axis=1)
    row = np.repeat(np.arange(own_NV.shape[0]), count)
    share = np.full(len(row), 1 / count, dtype=np.float32)
    return sp.csr_array((share, (row, nearest_NK.ravel())), shape=distance_NC.shape)
