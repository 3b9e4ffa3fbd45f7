"""What is known of items beside who takes them, such as category and price: all there is of a new one."""

# V items of the catalogue, U of them looked up, C features, D embedding

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from attune.columns import ITEM_ID, UNKNOWN
from attune.errors import ModelError

Codes = npt.NDArray[np.int64]

_STEPS = 10  # equally many items in each step of a number
_SHARED = 2  # a word of fewer items says nothing that the item itself does not


class ItemSide(nn.Module):
    """Add to the vector of each item one for each of its features.

    While learning, an item is now and then told by its features alone: so they learn to stand for it, as they
    have to for an item that training has not seen (Volkovs and others, 2017, DropoutNet).
    """

    code_VC: Tensor

    def __init__(self, code_VC: Codes, dimension: int, alone: float) -> None:
        """Make the layers.

        Args:
            code_VC: The features of each item, as `feature_codes` gives them.
            dimension: Of an item's vector.
            alone: The share of items that a batch knows by their features alone.
        """
        super().__init__()
        sizes = code_VC.max(axis=0, initial=0) + 1
        first_C = np.cumsum(sizes) - sizes
        self.alone = alone
        self.register_buffer("code_VC", torch.from_numpy(code_VC + first_C), persistent=False)
        self.feature = nn.Embedding(int(sizes.sum()), dimension)
        nn.init.normal_(self.feature.weight, std=0.02)

    def forward(self, own_UD: Tensor, item_U: Tensor) -> Tensor:
        """The vectors of some items, shape [U, D].

        Args:
            own_UD: What belongs to each item alone.
            item_U: Which items these are.
        """
        if self.training:
            known_U1 = torch.rand(len(own_UD), 1, device=own_UD.device) >= self.alone
            own_UD = own_UD * known_U1
        vectors_UD: Tensor = own_UD + self.feature(self.code_VC[item_U]).sum(dim=1)
        return vectors_UD


def feature_codes(table: pd.DataFrame, items: list[str]) -> Codes:
    """Number the features of items: words by their order, numbers by tenths of the items, 0 for unknown.

    Args:
        table: One row an item: item_id, and its features in columns of words or numbers.
        items: Whose features are wanted; one that the table does not have is unknown.

    Returns:
        Shape [V, C], the columns by their names.

    Raises:
        ModelError: There is no feature, or an item stands there twice.
    """
    names = sorted(set(table.columns) - {ITEM_ID})
    if not names or table[ITEM_ID].duplicated().any():
        found = f"{table[ITEM_ID].duplicated().sum()} items twice" if names else "no feature"
        raise ModelError(f"the table of items has {found}; one row an item and a feature or more are wanted")
    wanted = table.set_index(ITEM_ID).reindex(items)
    return np.stack([_codes(wanted[name]) for name in names], axis=1)


def _codes(column: pd.Series) -> Codes:
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.isfinite(numbers)
        shares = np.arange(1, _STEPS) / _STEPS
        borders = np.unique(np.quantile(numbers[known], shares)) if known.any() else np.empty(0)
        return np.where(known, np.searchsorted(borders, numbers, side="right") + 1, 0).astype(np.int64)
    words = column.astype(object).where(column != UNKNOWN)
    counts = words.value_counts()
    code_of = {word: code for code, word in enumerate(sorted(counts[counts >= _SHARED].index), start=1)}
    return words.map(code_of).fillna(0).to_numpy(dtype=np.int64)
