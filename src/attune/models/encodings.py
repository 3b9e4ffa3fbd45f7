"""How numbers and categories enter a network over a table of features.

B examples in the batch, F numeric features, T bins, C categorical features, D embedding of a category.
"""

import numpy as np
import torch
from torch import Tensor, nn

from attune.models.base import Floats
from attune.models.tabular import FARTHEST, scales

# Where a bin begins that no value reaches: of a feature with fewer different values than bins.
_NEVER = torch.finfo(torch.float32).max


class NumberEncoding(nn.Module):
    """Say of each number how far it has filled every quantile bin of its feature: from -1, not yet, to 1.

    Piecewise-linear encoding: Gorishniy, Rubachev and Babenko (2022), arXiv 2203.05556, there from 0 to 1;
    around zero a network learns better. Scales do not matter, and a number beyond all training examples
    counts like their smallest or largest.
    """

    start_FT: Tensor
    width_FT: Tensor

    def __init__(self, features: int, bins: int) -> None:
        super().__init__()
        self.register_buffer("start_FT", torch.full((features, bins), _NEVER))
        self.register_buffer("width_FT", torch.ones(features, bins))

    def learn(self, numbers_NF: Floats) -> None:
        """Put the borders of the bins at quantiles of the training examples, shape [N, F]."""
        shares = np.linspace(0, 1, self.start_FT.shape[1] + 1)
        for feature, numbers_N in enumerate(numbers_NF.T):
            borders = torch.from_numpy(np.unique(np.quantile(numbers_N, shares).astype(np.float32)))
            self.start_FT[feature, : len(borders) - 1] = borders[:-1]
            self.width_FT[feature, : len(borders) - 1] = borders.diff()

    def forward(self, numbers_BF: Tensor) -> Tensor:
        """Encode numbers, shape [B, F * T]."""
        filled_BFT = (numbers_BF.unsqueeze(2) - self.start_FT) / self.width_FT
        return (2 * filled_BFT.clamp(0, 1) - 1).flatten(1)


class Standardisation(nn.Module):
    """Count each number in deviations from the mean of its feature; a wild one counts like the farthest."""

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(features))
        self.register_buffer("deviation_F", torch.ones(features))

    def learn(self, numbers_NF: Floats) -> None:
        """Take mean and deviation from the training examples, shape [N, F]; a constant has deviation 1."""
        mean_F, deviation_F = scales(numbers_NF)
        self.mean_F.copy_(torch.from_numpy(mean_F))
        self.deviation_F.copy_(torch.from_numpy(deviation_F))

    def forward(self, numbers_BF: Tensor) -> Tensor:
        """Standardise numbers, shape [B, F]."""
        deviations_BF = (numbers_BF - self.mean_F) / self.deviation_F
        return deviations_BF.clamp(-FARTHEST, FARTHEST)


class CategoryEncoding(nn.Module):
    """Embed the codes of all categorical features from one table; code 0 of each is "unknown"."""

    first_C: Tensor

    def __init__(self, sizes: list[int], dim: int) -> None:
        super().__init__()
        firsts = torch.tensor([0, *sizes], dtype=torch.int64).cumsum(0)
        self.register_buffer("first_C", firsts[:-1], persistent=False)
        self.vectors = nn.Embedding(int(firsts[-1]), dim)
        with torch.no_grad():  # a feature whose training examples are all known leaves "unknown" neutral
            self.vectors.weight[self.first_C] = 0.0

    def forward(self, codes_BC: Tensor) -> Tensor:
        """Embed codes, shape [B, C * D]."""
        embedded: Tensor = self.vectors(codes_BC + self.first_C)
        return embedded.flatten(1)
