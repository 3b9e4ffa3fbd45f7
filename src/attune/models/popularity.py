"""What sold best lately, or ever, to everybody or to customers of one kind: the simplest recommender."""

# N examples, G kinds of customers, V items

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, UNKNOWN
from attune.models.base import Floats, Tensors
from attune.models.counting import CountingRecommender, frequent_items, recent_shares
from attune.models.history import Histories, known_purchases, read_histories
from attune.models.items import Scores, recommend_best

_PRIOR = np.float32(200)  # all customers count as much as so many purchases of one kind of them


class Popularity(CountingRecommender):
    """Rank items by in how many orders of the last weeks they were.

    Where a column of the customer is named, those who share its value have a ranking of their own, which
    leans on everybody's the more, the fewer their purchases are. It needs no history: a new customer is
    answered by what is known of them.
    """

    class Config(CountingRecommender.Config):
        """How long popularity lasts, and among whom."""

        recent_days: int | None = Field(
            default=28, ge=1, description="orders before count no more; None counts all"
        )
        by: str | None = Field(default=None, description="a column of words, such as age_band")

    config: Config
    kinds: list[str]

    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Count the orders that the training examples know of.

        Raises:
            ModelError: The examples know of no purchase.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases)
        shares_V = recent_shares(purchases, self.items, self.config.recent_days)
        latest = train.sort_values(EVENT_TIMESTAMP, kind="stable").drop_duplicates(CUSTOMER_ID, keep="last")
        kind_of = dict(zip(latest[CUSTOMER_ID], self._kinds_of(latest), strict=True))
        self.kinds = sorted(set(kind_of.values()) - {UNKNOWN})
        kind = purchases[CUSTOMER_ID].map(kind_of)
        self.shares_GV = np.stack(
            [shares_V, *(self._of(purchases[kind == each], shares_V) for each in self.kinds)]
        )

    def _of(self, purchases: pd.DataFrame, shares_V: Scores) -> Scores:
        """The shares among some customers, drawn to everybody's."""
        own_V = recent_shares(purchases, self.items, self.config.recent_days)
        part = np.float32(len(purchases) / (len(purchases) + _PRIOR))
        drawn_V: Scores = part * own_V + (1 - part) * shares_V
        return drawn_V

    def _kinds_of(self, examples: pd.DataFrame) -> list[str]:
        """The kind of each customer; one that is not told is unknown."""
        if self.config.by is None or self.config.by not in examples.columns:
            return [UNKNOWN] * len(examples)
        return [kind if isinstance(kind, str) else UNKNOWN for kind in examples[self.config.by]]

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend what is popular among customers of the same kind; see `Recommender`."""
        place = {kind: row for row, kind in enumerate(self.kinds, start=1)}
        row_N = np.array([place.get(kind, 0) for kind in self._kinds_of(examples)], dtype=np.int64)
        found_NK = np.full((len(examples), k), None, dtype=object)
        scores_NK = np.full((len(examples), k), -np.inf)
        for row in np.unique(row_N):
            same = row_N == row
            histories = read_histories(examples[same], self.items.codes)
            found_NK[same], scores_NK[same] = recommend_best(
                self.items, self._of_kind(row), histories, k, allowed, exclude_seen=self.config.exclude_seen
            )
        return found_NK, scores_NK

    def _of_kind(self, row: int) -> Callable[[Histories], Scores]:
        return lambda histories: np.broadcast_to(self.shares_GV[row], (len(histories), len(self.items)))

    def _scores(self, histories: Histories) -> Scores:
        return self._of_kind(0)(histories)

    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        return {"kinds": self.kinds}, {"shares": self.shares_GV}

    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        self.kinds, self.shares_GV = state["kinds"], tensors["shares"]
