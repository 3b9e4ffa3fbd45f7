"""What was bought directly after what a customer bought last: a first-order Markov chain."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from pydantic import Field

from attune.columns import CUSTOMER_ID, ITEM_ID
from attune.models.base import Tensors
from attune.models.counting import CountingRecommender, frequent_items, recent_shares
from attune.models.history import Histories, known_purchases, orders_of
from attune.models.items import Scores
from attune.models.neighbours import from_tensors, sparse_tensors, strongest


class MarkovChain(CountingRecommender):
    """The chance of each item in the order after the last one, smoothed by popularity.

    Of item a, bought in an order, the chance that b is in the next is (n_ab + w p_b) / (n_a + w): n_ab orders
    with b directly followed one with a, n_a orders followed, p_b is the share of b in all purchases. An order
    of several items is the mean of their chances. The weight w is the one that hits best on the validation
    examples. Who has bought nothing is shown what is popular.
    """

    class Config(CountingRecommender.Config):
        """How many transitions are kept, and which weights of popularity to choose from."""

        neighbours: int = Field(default=500, ge=1, description="transitions kept of each item")
        popularity_weights: tuple[float, ...] = Field(default=(1.0, 10.0, 50.0), min_length=1)
        min_count: int = Field(default=1, ge=1, description="rarer items are left out")
        popular_days: int | None = Field(default=None, ge=1, description="None counts all orders")

    config: Config
    weight: float

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Count what follows what, and choose the weight of popularity.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        popular_V = recent_shares(purchases, self.items, self.config.popular_days)
        self.popularity_V = popular_V / popular_V.sum()
        code, order = self.items.codes(purchases[ITEM_ID]), orders_of(purchases)
        bought_OV = _orders(order, code, len(self.items))
        first_O = np.unique(order, return_index=True)[1]
        customer_O = purchases[CUSTOMER_ID].to_numpy()[first_O]
        before = np.flatnonzero(customer_O[1:] == customer_O[:-1])
        self.followed_V = np.asarray(bought_OV[before].sum(axis=0), dtype=np.float32).ravel()
        following_VV = sp.csr_array(bought_OV[before].T @ bought_OV[before + 1])
        self.following_VV = strongest(following_VV, self.config.neighbours)
        self._choose("weight", self.config.popularity_weights, validation)

    def _scores(self, histories: Histories) -> Scores:
        last = _last_orders(histories)
        row, code = histories.row[last], histories.code[last]
        size_N = np.bincount(row, minlength=len(histories))
        share = 1 / (size_N[row] * (self.followed_V[code] + self.weight))
        shape = (len(histories), len(self.items))
        chances_NV = sp.csr_array((share.astype(np.float32), (row, code)), shape=shape) @ self.following_VV
        # Popularity's part of the chances: the more, the less often an item was followed by another order.
        rest_N = np.bincount(row, share * self.weight, minlength=len(histories))
        rest_N[size_N == 0] = 1.0
        scores: Scores = chances_NV.toarray() + np.outer(rest_N, self.popularity_V).astype(np.float32)
        return scores

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        counts = {"followed": self.followed_V, "popularity": self.popularity_V}
        return {"weight": self.weight}, sparse_tensors(self.following_VV, "following") | counts

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        self.weight, self.followed_V = state["weight"], tensors["followed"]
        self.popularity_V = tensors["popularity"]
        self.following_VV = from_tensors(tensors, "following")


def _orders(order: npt.NDArray[np.int64], code: npt.NDArray[np.int64], size: int) -> sp.csr_array:
    """Which items each order holds, shape [O, V]."""
    known = code >= 0
    ones = np.ones(int(known.sum()), dtype=np.float32)
    shape = (int(order.max(initial=-1)) + 1, size)
    return sp.csr_array((ones, (order[known], code[known])), shape=shape)


def _last_orders(histories: Histories) -> npt.NDArray[np.bool_]:
    """Which purchases belong to the last order of their history, shape [M]."""
    some = histories.lengths > 0
    last_N = np.full(len(histories), -1, dtype=np.int64)
    last_N[some] = histories.order[histories.starts[1:][some] - 1]
    found: npt.NDArray[np.bool_] = histories.order == last_N[histories.row]
    return found
