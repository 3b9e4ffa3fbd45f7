"""The last state of an `AttentionEncoder` for one customer, with as little computed as that takes.

Without a batch every product is one of two matrices, with its bias. In the last block one place asks, so keys
and values are never made for the others: what it asks is turned into what the places are (q'Wx in place of
q'(Wx)), and of the values the weighted mean of the places is taken first. What a bias of the keys adds is the
same for every place, and attention does not see it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from attune.models.causal_encoder import AttentionEncoder, GatedBlock, distance_buckets

# L places, D embedding, H heads, E width of a head, M pairs of places, row after row


class TrainedAttention(nn.Module):
    """The state by the encoder itself.

    What distances add to attention is a table of its own, made here once: gathering it for each customer took
    as long as all the products of the network.

    What has no logarithm in common with numpy comes in buckets: places, and where the encoder is timed the
    pauses after them and, row after row, how long before what each is asked every other was.
    """

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale
        place_T = torch.arange(length)
        bucket_TT = distance_buckets(place_T[:, None] - place_T)
        for number, block in enumerate(encoder.layers):
            self.register_buffer(f"bias_{number}_HTT", block.bias(bucket_TT, None, None).detach())

    def forward(
        self, item_LD: Tensor, place_L: Tensor, pause_L: Tensor | None = None, gap_M: Tensor | None = None
    ) -> Tensor:
        """The state after the last place, shape [1, D]."""
        length = item_LD.shape[0]
        last = len(self.encoder.blocks) - 1
        biases = [self.bias(number, length, gap_M, number == last) for number in range(last + 1)]
        x_1LD = self.encoder.entered(item_LD * self.scale, place_L, pause_L).unsqueeze(0)
        asked_1 = torch.arange(length)[-1:]
        return self.encoder.encoded(x_1LD, biases, asked_1).squeeze(1)

    def bias(self, number: int, length: int, gap_M: Tensor | None, of_last: bool) -> Tensor:
        """What the attention of one block begins with, at every place or at the last alone, [1, H, L, L]."""
        first = length - 1 if of_last else 0
        bias = self.get_buffer(f"bias_{number}_HTT")[:, first:length, :length].unsqueeze(0)
        if gap_M is None:
            return bias
        return bias + self.encoder.layers[number].of_gaps(gap_M.view(1, length, length)[:, first:])


class AttentionGraph(TrainedAttention):
    """The same state by fewer operations."""

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__(encoder, scale, length)
        self.products = nn.ModuleList(_scaled(block) for block in encoder.layers[:-1])
        block = encoder.layers[-1]
        with torch.no_grad():
            query_DD, key_DD, value_DD = block.query_key_value.weight.chunk(3)
            query_D, _, value_D = block.query_key_value.bias.chunk(3)
            by_head = (block.heads, -1, query_DD.shape[1])
            self.register_buffer("query_HDE", _shrunk(query_DD, block).view(by_head).transpose(1, 2))
            self.register_buffer("query_H1E", _shrunk(query_D, block).view(block.heads, 1, -1))
            self.register_buffer("key_HED", key_DD.view(by_head))
            self.register_buffer("value_HDE", value_DD.view(by_head).transpose(1, 2))
            self.register_buffer("value_H1E", value_D.view(block.heads, 1, -1))

    def forward(
        self, item_LD: Tensor, place_L: Tensor, pause_L: Tensor | None = None, gap_M: Tensor | None = None
    ) -> Tensor:
        """The state after the last place, shape [1, D]."""
        length, blocks = item_LD.shape[0], self.encoder.layers
        x_LD = self.encoder.entered(item_LD * self.scale, place_L, pause_L)
        for number, block in enumerate(blocks[:-1]):
            bias_HLL = self.bias(number, length, gap_M, of_last=False)[0]
            looked_LD = self._look(number, block.before_attention(x_LD), bias_HLL)
            x_LD = _changed(block, x_LD, block.attended(looked_LD))
        block = blocks[-1]
        bias_H1L = self.bias(len(blocks) - 1, length, gap_M, of_last=True)[0]
        looked_1D = self._look_back(block.before_attention(x_LD), bias_H1L)
        state_1D: Tensor = self.encoder.norm(_changed(block, x_LD[-1:], block.attended(looked_1D)))
        return state_1D

    def _look(self, number: int, normed_LD: Tensor, bias_HLL: Tensor) -> Tensor:
        """What every place gathers from itself and those before it."""
        heads, dimension = self.encoder.layers[number].heads, normed_LD.shape[1]
        parts = self.products[number](normed_LD).split(dimension, dim=1)
        query_HLE, key_HLE, value_HLE = (
            part.view(-1, heads, dimension // heads).transpose(0, 1) for part in parts
        )
        share_HLL = torch.softmax(query_HLE @ key_HLE.transpose(1, 2) + bias_HLL, dim=2)
        looked_LD: Tensor = (share_HLL @ value_HLE).transpose(0, 1).reshape(-1, dimension)
        return looked_LD

    def _look_back(self, normed_LD: Tensor, bias_H1L: Tensor) -> Tensor:
        """What the last place gathers from all of them."""
        asked_H1E = normed_LD[-1:] @ self.get_buffer("query_HDE") + self.get_buffer("query_H1E")
        sought_H1D = asked_H1E @ self.get_buffer("key_HED")
        share_H1L = torch.softmax(sought_H1D @ normed_LD.T + bias_H1L, dim=2)
        value_H1E = share_H1L @ normed_LD @ self.get_buffer("value_HDE") + self.get_buffer("value_H1E")
        value_1D: Tensor = value_H1E.view(1, -1)
        return value_1D


def _changed(block: GatedBlock, x_LD: Tensor, attended_LD: Tensor) -> Tensor:
    """The places after both branches of a block."""
    if block.gated:
        attended_LD = attended_LD * torch.sigmoid(block.attention_gate(x_LD))
    x_LD = x_LD + attended_LD
    gate, value = block.widen(block.before_change(x_LD)).chunk(2, dim=1)
    changed_LD: Tensor = block.narrow(functional.silu(gate) * value)
    if block.gated:
        changed_LD = changed_LD * torch.sigmoid(block.change_gate(x_LD))
    return x_LD + changed_LD


def _scaled(block: GatedBlock) -> nn.Linear:
    """Queries, keys and values in one product; the queries as small as attention wants them."""
    given = block.query_key_value
    product = nn.Linear(given.in_features, given.out_features)
    with torch.no_grad():
        for ours, theirs in ((product.weight, given.weight), (product.bias, given.bias)):
            query, *others = theirs.chunk(3)
            ours.copy_(torch.cat([_shrunk(query, block), *others]))
    return product


def _shrunk(query: Tensor, block: GatedBlock) -> Tensor:
    scaled: Tensor = query * (block.query_key_value.in_features // block.heads) ** -0.5
    return scaled
