"""How numbers and categories enter a network over a table of features.

B examples in the batch, F numeric features, T bins, D embedding of a number, C categorical features.
"""

import numpy as np
import torch
from torch import Tensor, nn

from attune.models.base import Floats
from attune.models.tabular import FARTHEST, scales

_NEVER = 1e9  # where a bin begins that no value reaches: a feature with fewer different values than bins


class NumberEncoding(nn.Module):
    """Standardise numbers, and embed how far each has filled every quantile bin of its feature.

    Piecewise-linear encoding: Gorishniy, Rubachev and Babenko (2022), arXiv 2203.05556.
    """

    mean_F: Tensor
    scale_F: Tensor
    start_FT: Tensor
    width_FT: Tensor

    def __init__(self, features: int, bins: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean_F", torch.zeros(features))
        self.register_buffer("scale_F", torch.ones(features))
        self.register_buffer("start_FT", torch.full((features, bins), _NEVER))
        self.register_buffer("width_FT", torch.ones(features, bins))
        self.weight_FTD = nn.Parameter(torch.randn(features, bins, dim) / bins**0.5)
        self.bias_FD = nn.Parameter(torch.zeros(features, dim))

    def learn(self, numbers_NF: Floats) -> None:
        """Take scales and bins from the numbers of the training examples, shape [N, F]."""
        mean_F, scale_F = scales(numbers_NF)
        self.mean_F.copy_(torch.from_numpy(mean_F))
        self.scale_F.copy_(torch.from_numpy(scale_F))
        standard_NF = self.standardise(torch.from_numpy(numbers_NF).float()).numpy()
        for feature, standard_N in enumerate(standard_NF.T):
            shares = np.linspace(0, 1, self.start_FT.shape[1] + 1)
            edges = torch.from_numpy(np.unique(np.quantile(standard_N, shares).astype(np.float32)))
            self.start_FT[feature, : len(edges) - 1] = edges[:-1]
            self.width_FT[feature, : len(edges) - 1] = edges.diff()

    def standardise(self, numbers_BF: Tensor) -> Tensor:
        """Give numbers zero mean and unit deviation in training, and bound them, shape [B, F]."""
        standard_BF = (numbers_BF - self.mean_F) / self.scale_F
        return standard_BF.clamp(-FARTHEST, FARTHEST)

    def forward(self, standard_BF: Tensor) -> Tensor:
        """Embed standardised numbers, shape [B, F * D]."""
        filled_BFT = ((standard_BF.unsqueeze(2) - self.start_FT) / self.width_FT).clamp(0, 1)
        embedded_BFD = torch.einsum("bft,ftd->bfd", filled_BFT, self.weight_FTD) + self.bias_FD
        return embedded_BFD.relu().flatten(1)


class CategoryEncoding(nn.Module):
    """Embed the codes of all categorical features from one table; code 0 of each is "unknown"."""

    first_C: Tensor

    def __init__(self, sizes: list[int], dim: int) -> None:
        super().__init__()
        self.dim = dim
        firsts = torch.tensor([0, *sizes], dtype=torch.int64).cumsum(0)
        self.register_buffer("first_C", firsts[:-1], persistent=False)
        self.vectors = nn.Embedding(int(firsts[-1]), dim)
        with torch.no_grad():  # a feature whose training examples are all known leaves "unknown" neutral
            self.vectors.weight[self.first_C] = 0.0

    def forward(self, codes_BC: Tensor) -> Tensor:
        """Embed codes, shape [B, C * D]."""
        embedded: Tensor = self.vectors(codes_BC + self.first_C)
        return embedded.flatten(1)
