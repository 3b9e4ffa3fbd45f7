"""What is bought together with what a customer bought lately."""

from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from pydantic import Field

from attune.columns import ITEM_ID, LABEL
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats, read_model, write_model
from attune.models.history import Histories, known_purchases, orders_of, read_histories
from attune.models.hits import TEN, hit_rate
from attune.models.items import Items, Scores, recommend_best
from attune.models.popularity import recent_shares


class ItemToItem:
    """Sum the similarities of an item to each purchase of the history, the older purchase the less.

    The similarity of two items is the cosine of the orders that hold them. An item is similar to itself
    too, by a weight that hits best on the validation examples: 0 never repeats. What no neighbour reaches is
    filled up by popularity.
    """

    class Config(Settings):
        """How many neighbours are kept, and how fast a purchase is forgotten."""

        neighbours: int = Field(default=50, ge=1)
        half_life_days: float = Field(default=60.0, gt=0)
        own_weights: tuple[float, ...] = Field(default=(0.0, 1.0, 3.0, 10.0), min_length=1)
        min_count: int = Field(default=3, ge=1, description="rarer items are left out")
        popular_days: int = Field(default=60, ge=1, description="orders before are not popular any more")
        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")

    config: Config

    def __init__(self, config: Config) -> None:
        self.config = config

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn which items are bought together, and choose the weight of an item's own similarity.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        counts = purchases[ITEM_ID].value_counts()
        self.items = Items(sorted(counts[counts >= self.config.min_count].index))
        if not len(self.items):
            raise ModelError(
                f"none of {len(counts)} items was bought {self.config.min_count} times; "
                "lower min_count or choose a longer window"
            )
        self.popularity_V = recent_shares(purchases, self.items, self.config.popular_days)
        code = self.items.codes(purchases[ITEM_ID])
        self.similar_VV = _nearest(
            _cosines(orders_of(purchases), code, len(self.items)), self.config.neighbours
        )
        self.own = max(self.config.own_weights, key=lambda own: self._hits(validation, own))

    def _hits(self, validation: pd.DataFrame, own: float) -> float:
        self.own = own
        return hit_rate(self.recommend(validation, TEN)[0], validation[LABEL])

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend what goes with each customer's purchases; see `Recommender`."""
        histories = read_histories(examples, self.items.codes)
        exclude = self.config.exclude_seen
        return recommend_best(self.items, self._scores, histories, k, allowed, exclude_seen=exclude)

    def _scores(self, histories: Histories) -> Scores:
        weight = (0.5 ** (histories.age / self.config.half_life_days)).astype(np.float32)
        shape = (len(histories), len(self.items))
        history_NV = sp.csr_array((weight, (histories.row, histories.code)), shape=shape)
        scores_NV = (history_NV @ self.similar_VV).toarray() + np.float32(self.own) * history_NV.toarray()
        # Popularity only decides where no neighbour does.
        filled: Scores = scores_NV + np.float32(1e-6) * self.popularity_V
        return filled

    def save(self, folder: Path) -> None:
        """Write settings, items, their neighbours and popularity."""
        similar = self.similar_VV
        tensors = {
            "starts": similar.indptr.astype(np.int64),
            "neighbours": similar.indices.astype(np.int32),
            "similarities": similar.data,
            "popularity": self.popularity_V,
        }
        write_model(folder, self.config, {"items": list(self.items.ids), "own": self.own}, tensors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back."""
        config, state, tensors = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.items, model.own, model.popularity_V = (
            Items(state["items"]),
            state["own"],
            tensors["popularity"],
        )
        parts = tensors["similarities"], tensors["neighbours"], tensors["starts"]
        model.similar_VV = sp.csr_array(parts, shape=(len(model.items),) * 2)
        return model


def _cosines(order: npt.NDArray[np.int64], code: npt.NDArray[np.int64], size: int) -> sp.csr_array:
    """The cosine between the orders of any two items, without that of an item with itself."""
    known = code >= 0
    bought_OV = sp.csr_array(
        (np.ones(int(known.sum()), dtype=np.float32), (order[known], code[known])),
        shape=(int(order.max(initial=-1)) + 1, size),
    )
    lengths_V = np.sqrt(np.maximum(bought_OV.sum(axis=0), 1.0))
    unit_OV = sp.csr_array(bought_OV @ sp.dia_array((1 / lengths_V[None], [0]), shape=(size, size)))
    cosines_VV = sp.csr_array(unit_OV.T @ unit_OV)
    cosines_VV.setdiag(0.0)
    cosines_VV.eliminate_zeros()
    return cosines_VV


def _nearest(cosines_VV: sp.csr_array, count: int) -> sp.csr_array:
    """Keep the nearest neighbours of each item."""
    kept = np.concatenate(
        [
            start + np.sort(np.argpartition(-cosines_VV.data[start:end], count - 1)[:count])
            if end - start > count
            else np.arange(start, end)
            for start, end in pairwise(cosines_VV.indptr)
        ]
    )
    item = np.repeat(np.arange(cosines_VV.shape[0]), np.diff(cosines_VV.indptr))
    nearest = (cosines_VV.data[kept], (item[kept], cosines_VV.indices[kept]))
    return sp.csr_array(nearest, shape=cosines_VV.shape)
