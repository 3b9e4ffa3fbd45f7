"""What recommenders that learn by counting have in common: one call teaches them, no gradients."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from attune.columns import ITEM_ID, LABEL
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats, Tensors, read_model, write_model
from attune.models.history import SECOND, Histories, read_histories
from attune.models.hits import TEN, hit_rate
from attune.models.items import Items, Scores, recommend_best

FILL = np.float32(1e-6)  # popularity only decides where nothing else does
_DAY = 86_400.0


class CountingRecommender(ABC):
    """Scores the whole catalogue for each history from what it has counted.

    A member says how it learns (`fit`), how it scores, and what it has to remember.
    """

    class Config(Settings):
        """What every one of them can be asked for."""

        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")

    config: Config
    items: Items

    def __init__(self, config: Config) -> None:
        self.config = config

    @abstractmethod
    def fit(self, train: pd.DataFrame, validation: pd.DataFrame) -> None:
        """Learn from examples; see `Fittable`."""

    @abstractmethod
    def _scores(self, histories: Histories) -> Scores:
        """The score of every item for N histories, shape [N, V]."""

    @abstractmethod
    def _learned(self) -> tuple[dict[str, Any], Tensors]:
        """What was learnt beside the items: plain values, and tensors."""

    @abstractmethod
    def _restore(self, state: dict[str, Any], tensors: Tensors) -> None:
        """Take back what `_learned` gave; the items are there already."""

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend the k best items of the catalogue; see `Recommender`."""
        return self._best(read_histories(examples, self.items.codes), k, allowed)

    def _best(
        self, histories: Histories, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        exclude = self.config.exclude_seen
        return recommend_best(self.items, self._scores, histories, k, allowed, exclude_seen=exclude)

    def _choose(self, setting: str, options: Sequence[float], validation: pd.DataFrame) -> None:
        """Set one of our attributes to the option that hits best on the validation examples."""
        histories = read_histories(validation, self.items.codes)

        def hits(option: float) -> float:
            setattr(self, setting, option)
            return hit_rate(self._best(histories, TEN)[0], validation[LABEL])

        setattr(self, setting, max(options, key=hits))

    def scores(self, histories: Histories) -> Scores:
        """The score of every item for N histories in codes of `items`, shape [N, V]; not to be written to."""
        return self._scores(histories)

    def learned(self) -> tuple[dict[str, Any], Tensors]:
        """What was learnt beside the items, for a model that this one is a part of."""
        return self._learned()

    def restore(self, items: Items, state: dict[str, Any], tensors: Tensors) -> None:
        """Take back what `learned` gave."""
        self.items = items
        self._restore(state, tensors)

    def save(self, folder: Path) -> None:
        """Write settings, items and what was counted."""
        state, tensors = self._learned()
        write_model(folder, self.config, {"items": list(self.items.ids)} | state, tensors)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained model back."""
        config, state, tensors = read_model(folder)
        model = cls(cls.Config.parse(config))
        model.restore(Items(state["items"]), state, tensors)
        return model


def frequent_items(purchases: pd.DataFrame, min_count: int = 1) -> Items:
    """The catalogue: every item that was bought often enough, sorted by its id.

    Args:
        purchases: As `known_purchases` gives them.
        min_count: Items bought in fewer orders are left out.

    Raises:
        ModelError: No item is left.
    """
    return frequent_of(purchases[ITEM_ID].value_counts(), min_count)


def frequent_of(counts: pd.Series, min_count: int) -> Items:
    """The same from how often each item was bought.

    Raises:
        ModelError: No item is left.
    """
    items = Items(sorted(counts[counts >= min_count].index))
    if not len(counts):
        raise ModelError("the examples know of no purchase; choose a longer window")
    if not len(items):
        raise ModelError(
            f"none of {len(counts)} items was bought {min_count} times; "
            "lower min_count or choose a longer window"
        )
    return items


def recent_shares(purchases: pd.DataFrame, items: Items, days: int | None) -> Scores:
    """How often each item was bought in the last days of the purchases, as a share of the most bought item.

    Args:
        purchases: As `known_purchases` gives them: one line an item and order.
        items: The catalogue.
        days: How many days before the last purchase still count; None counts all.

    Returns:
        Within [0, 1], shape [V].
    """
    recent = purchases
    if days is not None:
        recent = purchases[purchases[SECOND] > purchases[SECOND].max() - days * _DAY]
    codes = items.codes(recent[ITEM_ID])
    counts = np.bincount(codes[codes >= 0], minlength=len(items))
    shares: Scores = (counts / max(1, counts.max(initial=0))).astype(np.float32)
    return shares
