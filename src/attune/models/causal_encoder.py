"""Encoders of a sequence of items, in which each place sees itself and what came before."""

# B sequences of a batch, L places, D embedding, H heads

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_NEAR = 16  # distances that have a bucket of their own
_DISTANCE_BUCKETS = 40
_PLACE_BUCKETS = 24


class GatedBlock(nn.Module):
    """A pre-norm transformer block whose two branches are gated (LiGR, Borisyuk and others, 2025)."""

    def __init__(self, dimension: int, heads: int, dropout: float, *, gated: bool) -> None:
        super().__init__()
        self.heads, self.gated, self.dropout = heads, gated, nn.Dropout(dropout)
        self.before_attention, self.before_change = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.query_key_value = nn.Linear(dimension, 3 * dimension)
        self.attended = nn.Linear(dimension, dimension)
        self.distance = nn.Parameter(torch.zeros(heads, _DISTANCE_BUCKETS))
        self.widen = nn.Linear(dimension, 4 * dimension)  # two halves: one is the gate of the other (SwiGLU)
        self.narrow = nn.Linear(2 * dimension, dimension)
        if gated:
            self.attention_gate = nn.Linear(dimension, dimension)
            self.change_gate = nn.Linear(dimension, dimension)

    def forward(self, x_BLD: Tensor, bucket_LL: Tensor, asked_B: Tensor | None) -> Tensor:
        """Let every place, or one a sequence, look at itself and those before it.

        Args:
            x_BLD: The places.
            bucket_LL: The bucket of the distance between each place and another; negative for what follows.
            asked_B: The one place of each sequence that is wanted; None for all of them.

        Returns:
            Shape [B, L, D], or [B, 1, D] where one place is asked.
        """
        normed_BLD = self.before_attention(x_BLD)
        if asked_B is not None:
            x_BLD = _one_each(x_BLD, asked_B)
        attended_BLD = self.dropout(self._attend(normed_BLD, bucket_LL, asked_B))
        if self.gated:
            attended_BLD = attended_BLD * torch.sigmoid(self.attention_gate(x_BLD))
        x_BLD = x_BLD + attended_BLD
        gate, value = self.widen(self.before_change(x_BLD)).chunk(2, dim=-1)
        changed_BLD = self.dropout(self.narrow(functional.silu(gate) * value))
        if self.gated:
            changed_BLD = changed_BLD * torch.sigmoid(self.change_gate(x_BLD))
        result: Tensor = x_BLD + changed_BLD
        return result

    def _attend(self, normed_BLD: Tensor, bucket_LL: Tensor, asked_B: Tensor | None) -> Tensor:
        size, _, dimension = normed_BLD.shape
        shape = (size, -1, 3, self.heads, dimension // self.heads)
        query, key, value = self.query_key_value(normed_BLD).view(shape).permute(2, 0, 3, 1, 4)
        bias = self.distance[:, bucket_LL.clamp(min=0)].masked_fill(bucket_LL < 0, -math.inf)
        if asked_B is not None:
            query = _one_each(query.transpose(1, 2), asked_B).transpose(1, 2)
            bias = bias[:, asked_B].transpose(0, 1).unsqueeze(2)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        result: Tensor = self.attended(attended.transpose(1, 2).reshape(size, -1, dimension))
        return result


class AttentionEncoder(nn.Module):
    """A causal transformer that knows distances, and how much came before each place."""

    def __init__(self, dimension: int, blocks: int, heads: int, dropout: float, *, gated: bool) -> None:
        super().__init__()
        self.place = nn.Embedding(_PLACE_BUCKETS, dimension)
        nn.init.normal_(self.place.weight, std=0.05)
        self.blocks = nn.ModuleList(GatedBlock(dimension, heads, dropout, gated=gated) for _ in range(blocks))
        self.norm, self.dropout = nn.LayerNorm(dimension), nn.Dropout(dropout)

    def forward(self, item_BLD: Tensor, before_BL: Tensor, asked_B: Tensor | None = None) -> Tensor:
        """The state after each place, shape [B, L, D], or after one a sequence, shape [B, 1, D].

        Args:
            item_BLD: The embedding of each item, oldest first; what stands at the end may be padding.
            before_BL: How many items came before each, also those that are cut off.
            asked_B: The one place of each sequence that is wanted; None for all of them.
        """
        place_L = torch.arange(item_BLD.shape[1], device=item_BLD.device)
        bucket_LL = distance_buckets(place_L[:, None] - place_L)
        x_BLD = self.dropout(item_BLD + self.place(place_buckets(before_BL)))
        for block in self.blocks[:-1]:
            x_BLD = block(x_BLD, bucket_LL, None)
        result: Tensor = self.norm(self.blocks[-1](x_BLD, bucket_LL, asked_B))
        return result


class RecurrentEncoder(nn.Module):
    """A gated recurrent unit over the sequence (GRU4Rec, Hidasi and others, 2016, arXiv 1511.06939)."""

    def __init__(self, dimension: int, blocks: int, dropout: float) -> None:
        super().__init__()
        between = dropout if blocks > 1 else 0.0
        self.unit = nn.GRU(dimension, dimension, num_layers=blocks, dropout=between, batch_first=True)
        self.norm, self.dropout = nn.LayerNorm(dimension), nn.Dropout(dropout)

    def forward(
        self,
        item_BLD: Tensor,
        before_BL: Tensor,  # noqa: ARG002  a GRU counts by itself
        asked_B: Tensor | None = None,
    ) -> Tensor:
        """States; see `AttentionEncoder`."""
        hidden_BLD, _ = self.unit(self.dropout(item_BLD))
        if asked_B is not None:
            hidden_BLD = _one_each(hidden_BLD, asked_B)
        result: Tensor = self.norm(self.dropout(hidden_BLD))
        return result


def distance_buckets(distance: Tensor) -> Tensor:
    """Number distances: small ones each, larger ones by quarters of an octave; -1 for negative ones.

    >>> distance_buckets(torch.tensor([-3, 0, 1, 15, 16, 20, 200, 100_000])).tolist()
    [-1, 0, 1, 15, 16, 17, 30, 39]
    """
    quarters = torch.log2(distance.clamp(min=_NEAR) / _NEAR).mul(4).long() + _NEAR
    return torch.where(distance < _NEAR, distance, quarters).clamp(-1, _DISTANCE_BUCKETS - 1)


def place_buckets(before: Tensor) -> Tensor:
    """Number by half-octaves how many came before.

    >>> place_buckets(torch.tensor([0, 1, 2, 3, 100, 100_000])).tolist()
    [0, 2, 3, 4, 13, 23]
    """
    return torch.log2(before + 1.0).mul(2).long().clamp(max=_PLACE_BUCKETS - 1)


def _one_each(x_BLD: Tensor, asked_B: Tensor) -> Tensor:
    """One place of each sequence, shape [B, 1, D] (or what else a place holds)."""
    return x_BLD[torch.arange(len(asked_B), device=asked_B.device), asked_B].unsqueeze(1)
