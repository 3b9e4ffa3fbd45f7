"""Encoders of a sequence of items, in which each place sees itself and what came before."""

# B sequences of a batch, L places, D embedding, H heads

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from attune.models.dropout import Dropout
from attune.models.time_buckets import BORDERS_IN_DAYS, TIME_BUCKETS

# What attention knows of the order: how far apart two places are and how much came before, or the number of
# each place in its window (as in SASRec), or nothing but what came first.
Positions = Literal["distance", "absolute", "none"]

_PLACES_AT_ONCE = 64  # that ask, on a processor
_NEAR = 16  # distances that have a bucket of their own
_DISTANCE_BUCKETS = 40
_PLACE_BUCKETS = 24


class GatedBlock(nn.Module):
    """A pre-norm transformer block whose two branches are gated (LiGR, Borisyuk and others, 2025)."""

    distance: nn.Parameter | None

    def __init__(
        self, dimension: int, heads: int, dropout: float, *, gated: bool, distances: bool, timed: bool
    ) -> None:
        super().__init__()
        self.heads, self.gated, self.dropout = heads, gated, Dropout(dropout)
        self.before_attention, self.before_change = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.query_key_value = nn.Linear(dimension, 3 * dimension)
        self.attended = nn.Linear(dimension, dimension)
        self.distance = nn.Parameter(torch.zeros(heads, _DISTANCE_BUCKETS)) if distances else None
        self.widen = nn.Linear(dimension, 4 * dimension)  # two halves: one is the gate of the other (SwiGLU)
        self.narrow = nn.Linear(2 * dimension, dimension)
        if gated:
            self.attention_gate = nn.Linear(dimension, dimension)
            self.change_gate = nn.Linear(dimension, dimension)
        if timed:
            self.gap = nn.Embedding(TIME_BUCKETS, heads)
            nn.init.zeros_(self.gap.weight)

    def forward(self, x_BLD: Tensor, bias: Tensor, asked_B: Tensor | None) -> Tensor:
        """Let every place, or one a sequence, look at itself and those before it.

        Args:
            x_BLD: The places.
            bias: What attention begins with; see `bias`.
            asked_B: The one place of each sequence that is wanted; None for all of them.

        Returns:
            Shape [B, L, D], or [B, 1, D] where one place is asked.
        """
        normed_BLD = self.before_attention(x_BLD)
        if asked_B is not None:
            x_BLD = _one_each(x_BLD, asked_B)
        attended_BLD = self.dropout(self._attend(normed_BLD, bias, asked_B))
        if self.gated:
            attended_BLD = attended_BLD * torch.sigmoid(self.attention_gate(x_BLD))
        x_BLD = x_BLD + attended_BLD
        gate, value = self.widen(self.before_change(x_BLD)).chunk(2, dim=-1)
        changed_BLD = self.dropout(self.narrow(functional.silu(gate) * value))
        if self.gated:
            changed_BLD = changed_BLD * torch.sigmoid(self.change_gate(x_BLD))
        result: Tensor = x_BLD + changed_BLD
        return result

    def bias(self, bucket_LL: Tensor, gap_BLL: Tensor | None, asked_B: Tensor | None) -> Tensor:
        """What attention begins with, for shapes [B, H, L, L], or [B, H, 1, L] where one place is asked.

        Args:
            bucket_LL: The bucket of the distance between each place and another; negative for what follows.
            gap_BLL: The bucket of how long before what each place is asked about another was; None where
                times are not known.
            asked_B: The one place of each sequence that is wanted; None for all of them.
        """
        if self.distance is None:
            bias = torch.zeros(1, *bucket_LL.shape, device=bucket_LL.device)
            bias = bias.masked_fill(bucket_LL < 0, -math.inf)
        else:  # the bucket of what follows, -1, is the last one
            bias = functional.pad(self.distance, (0, 1), value=-math.inf)[:, bucket_LL]
        if asked_B is not None:
            bias = bias[:, asked_B].transpose(0, 1).unsqueeze(2)
        if gap_BLL is not None:
            gap_BLL = gap_BLL if asked_B is None else _one_each(gap_BLL, asked_B)
            bias = bias + self.of_gaps(gap_BLL)
        return bias

    def of_gaps(self, gap_BLL: Tensor) -> Tensor:
        """The part of the bias that times have in it, shape [B, H, L, L]."""
        part: Tensor = self.gap(gap_BLL).permute(0, 3, 1, 2)
        return part

    def _attend(self, normed_BLD: Tensor, bias: Tensor, asked_B: Tensor | None) -> Tensor:
        if asked_B is not None:
            return self._attend_from(_one_each(normed_BLD, asked_B), normed_BLD, bias)
        size, _, dimension = normed_BLD.shape
        shape = (size, -1, 3, self.heads, dimension // self.heads)
        attended = causal_attention(self.query_key_value(normed_BLD).view(shape).permute(2, 0, 3, 1, 4), bias)
        result: Tensor = self.attended(attended.transpose(1, 2).reshape(size, -1, dimension))
        return result

    def _attend_from(self, asked_B1D: Tensor, normed_BLD: Tensor, bias_BH1L: Tensor) -> Tensor:
        """What one place a sequence gathers, without keys and values of all others.

        Its query is turned into what the places are, and of the values the weighted mean of the places is
        taken first. What a bias of the keys adds is the same for every place, and attention does not see it.
        """
        size, _, dimension = asked_B1D.shape
        query_DD, key_DD, value_DD = self.query_key_value.weight.chunk(3)
        query_D, _, value_D = self.query_key_value.bias.chunk(3)
        by_head = (self.heads, dimension // self.heads, dimension)
        query_BHE = functional.linear(asked_B1D, query_DD, query_D).view(size, *by_head[:2])
        sought_BHD = torch.einsum("bhe,hed->bhd", query_BHE * by_head[1] ** -0.5, key_DD.view(by_head))
        share_BHL = torch.softmax(sought_BHD @ normed_BLD.transpose(1, 2) + bias_BH1L.squeeze(2), dim=2)
        value_BHE = torch.einsum("bhd,hed->bhe", share_BHL @ normed_BLD, value_DD.view(by_head))
        result: Tensor = self.attended(value_BHE.reshape(size, 1, dimension) + value_D)
        return result


class AttentionEncoder(nn.Module):
    """A causal transformer that can know places, distances and how long ago everything was."""

    place: nn.Embedding | None

    def __init__(
        self,
        dimension: int,
        blocks: int,
        heads: int,
        dropout: float,
        *,
        gated: bool,
        positions: Positions,
        timed: bool,
        length: int,
    ) -> None:
        """Make the layers.

        Args:
            dimension: Of an item, and of a state.
            blocks: How many are stacked.
            heads: Of each attention.
            dropout: Of what enters, and of each branch.
            gated: Whether the branches of a block are gated.
            positions: What is known of the order; see `Positions`.
            timed: Whether times are known.
            length: How many places a sequence has at most.
        """
        super().__init__()
        sizes: dict[Positions, int] = {"distance": _PLACE_BUCKETS, "absolute": length, "none": 0}
        self.positions, self.place = positions, None
        if sizes[positions]:
            self.place = nn.Embedding(sizes[positions], dimension)
            nn.init.normal_(self.place.weight, std=0.05)
        if timed:
            self.pause = nn.Embedding(TIME_BUCKETS, dimension)
            nn.init.normal_(self.pause.weight, std=0.05)
            self.register_buffer("borders_T", torch.from_numpy(BORDERS_IN_DAYS), persistent=False)
        self.blocks = nn.ModuleList(
            GatedBlock(dimension, heads, dropout, gated=gated, distances=positions == "distance", timed=timed)
            for _ in range(blocks)
        )
        self.norm, self.dropout = nn.LayerNorm(dimension), Dropout(dropout)

    def forward(
        self,
        item_BLD: Tensor,
        before_BL: Tensor,
        asked_B: Tensor | None = None,
        times_BL2: Tensor | None = None,
    ) -> Tensor:
        """The state after each place, shape [B, L, D], or after one a sequence, shape [B, 1, D].

        Args:
            item_BLD: The embedding of each item, oldest first; what stands at the end may be padding.
            before_BL: How many items came before each, also those that are cut off.
            asked_B: The one place of each sequence that is wanted; None for all of them.
            times_BL2: How many days ago each place was, and what it is asked about; only an encoder that is
                timed reads them.
        """
        place_L = torch.arange(item_BLD.shape[1], device=item_BLD.device)
        bucket_LL = place_distances(len(place_L), item_BLD.device)
        place_BL = place_L if self.positions == "absolute" else place_buckets(before_BL)
        pause_BL, gap_BLL = (None, None) if times_BL2 is None else self._time_buckets(times_BL2)
        x_BLD = self.dropout(self.entered(item_BLD, place_BL, pause_BL))
        asked = [*[None] * (len(self.blocks) - 1), asked_B]
        biases = [
            block.bias(bucket_LL, gap_BLL, wanted) for block, wanted in zip(self.layers, asked, strict=True)
        ]
        return self.encoded(x_BLD, biases, asked_B)

    @property
    def layers(self) -> list[GatedBlock]:
        """The blocks, from the first to the last."""
        return [block for block in self.blocks if isinstance(block, GatedBlock)]

    def entered(self, item_BLD: Tensor, place_BL: Tensor, pause_BL: Tensor | None) -> Tensor:
        """The items with what is known of each place: its number or bucket, and the pause after it."""
        if self.place is not None:
            item_BLD = item_BLD + self.place(place_BL)
        if pause_BL is not None:
            item_BLD = item_BLD + self.pause(pause_BL)
        return item_BLD

    def encoded(self, x_BLD: Tensor, biases: Sequence[Tensor], asked_B: Tensor | None) -> Tensor:
        """What the blocks make of what entered, each with its bias; see `GatedBlock`."""
        *before, last = zip(self.layers, biases, strict=True)
        for block, bias in before:
            x_BLD = block(x_BLD, bias, None)
        block, bias = last
        result: Tensor = self.norm(block(x_BLD, bias, asked_B))
        return result

    def _time_buckets(self, times_BL2: Tensor) -> tuple[Tensor, Tensor]:
        """The buckets of the pause after each place, and of the gap between another and its question."""
        age_BL, asked_BL = times_BL2.unbind(dim=2)
        gap_BLL = age_BL.unsqueeze(1) - asked_BL.unsqueeze(2)
        borders_T = self.get_buffer("borders_T")
        return (
            torch.bucketize(age_BL - asked_BL, borders_T, right=True),
            torch.bucketize(gap_BLL, borders_T, right=True),
        )


class RecurrentEncoder(nn.Module):
    """A gated recurrent unit over the sequence (GRU4Rec, Hidasi and others, 2016, arXiv 1511.06939)."""

    def __init__(self, dimension: int, blocks: int, dropout: float) -> None:
        super().__init__()
        between = dropout if blocks > 1 else 0.0
        self.unit = nn.GRU(dimension, dimension, num_layers=blocks, dropout=between, batch_first=True)
        self.norm, self.dropout = nn.LayerNorm(dimension), Dropout(dropout)

    def forward(
        self,
        item_BLD: Tensor,
        before_BL: Tensor,  # noqa: ARG002  a GRU counts by itself
        asked_B: Tensor | None = None,
        times_BL2: Tensor | None = None,  # noqa: ARG002  nor does it know times
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


def place_distances(length: int, device: torch.device | None = None) -> Tensor:
    """The bucket of how far each place is behind another, shape [L, L].

    >>> place_distances(3).tolist()
    [[0, -1, -1], [1, 0, -1], [2, 1, 0]]
    """
    # Each row is the one above it moved by a place, and buckets take several operations to work out.
    buckets = distance_buckets(torch.arange(length - 1, -length, -1, device=device))
    return buckets.unfold(0, length, 1).flip(0)


def place_buckets(before: Tensor) -> Tensor:
    """Number by half-octaves how many came before.

    >>> place_buckets(torch.tensor([0, 1, 2, 3, 100, 100_000])).tolist()
    [0, 2, 3, 4, 13, 23]
    """
    return torch.log2(before + 1.0).mul(2).long().clamp(max=_PLACE_BUCKETS - 1)


def causal_attention(query_key_value: Tensor, bias: Tensor) -> Tensor:
    """What places gather by attention, shape [B, H, L, E], from what is stacked, shape [3, B, H, L, E]."""
    if query_key_value.is_cuda:
        query, key, value = query_key_value
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    # The same on a processor makes sure, in several passes, that no place is without another; here none is.
    # And what follows a place is not looked at: of two halves, the first has no use for the second.
    _, size, heads, length, width = query_key_value.shape
    query, key, value = query_key_value.reshape(3, size * heads, length, width)
    query, key = query * width**-0.5, key.transpose(1, 2)
    parts = []
    for begin in range(0, length, _PLACES_AT_ONCE):
        end = min(begin + _PLACES_AT_ONCE, length)
        logits = torch.bmm(query[:, begin:end], key[:, :, :end]).view(size, heads, -1, end)
        share = torch.softmax(logits.add_(bias[..., begin:end, :end]), dim=3)
        parts.append(torch.bmm(share.view(size * heads, -1, end), value[:, :end]))
    return torch.cat(parts, dim=1).view(size, heads, length, width)


def _one_each(x_BLD: Tensor, asked_B: Tensor) -> Tensor:
    """One place of each sequence, shape [B, 1, D] (or what else a place holds)."""
    return x_BLD[torch.arange(len(asked_B), device=asked_B.device), asked_B].unsqueeze(1)
