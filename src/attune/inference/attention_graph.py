"""The last state of an `AttentionEncoder` for one customer, with as little computed as that takes.

Without a batch every product is one of two matrices, with its bias. In the last block one place asks, so keys
and values are never made for the others: what it asks is turned into what the places are (q'Wx in place of
q'(Wx)), and of the values the weighted mean of the places is taken first. What a bias of the keys adds is the
same for every place, and attention does not see it.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from attune.models.causal_encoder import AttentionEncoder, GatedBlock, place_distances

# L places, D embedding, H heads, E width of a head, M pairs of places, row after row


class TrainedAttention(nn.Module):
    """The state by the encoder itself.

    What has no logarithm in common with numpy comes in buckets: places, and where the encoder is timed the
    pauses after them and, row after row, how long before what each is asked every other was.
    """

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale
        self.register_buffer("bucket_TT", place_distances(length))

    def forward(
        self, item_LD: Tensor, place_L: Tensor, pause_L: Tensor | None = None, gap_M: Tensor | None = None
    ) -> Tensor:
        """The state after the last place, shape [1, D]."""
        length = item_LD.shape[0]
        bucket_LL = self.get_buffer("bucket_TT")[:length, :length]
        gap_1LL = None if gap_M is None else gap_M.view(1, length, length)
        asked_1 = torch.tensor([length - 1])
        asked = [*[None] * (len(self.encoder.layers) - 1), asked_1]
        biases = [
            block.bias(bucket_LL, gap_1LL, wanted)
            for block, wanted in zip(self.encoder.layers, asked, strict=True)
        ]
        x_1LD = self.encoder.entered(item_LD * self.scale, place_L, pause_L).unsqueeze(0)
        return self.encoder.encoded(x_1LD, biases, asked_1).squeeze(1)


class AttentionGraph(nn.Module):
    """The same state by fewer operations.

    What distances add to attention is a table of its own, made here once: gathering it for each customer took
    as long as all the products of the network.
    """

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale
        *before, last = encoder.layers
        self.heads, self.dimension = last.heads, last.query_key_value.in_features
        bucket_TT = place_distances(length)
        for number, block in enumerate(encoder.layers):
            self.register_buffer(f"bias_{number}_HTT", block.bias(bucket_TT, None, None).detach())
        self.products = nn.ModuleList(map(_products, before))
        self.widened = nn.ModuleList(nn.ModuleList(_cut(block.widen, 2)) for block in encoder.layers)
        with torch.no_grad():
            query_DD, key_DD, value_DD = last.query_key_value.weight.chunk(3)
            query_D, _, value_D = last.query_key_value.bias.chunk(3)
            by_head = (last.heads, -1, query_DD.shape[1])
            self.register_buffer("query_HDE", _shrunk(query_DD, last).view(by_head).transpose(1, 2))
            self.register_buffer("query_H1E", _shrunk(query_D, last).view(last.heads, 1, -1))
            self.register_buffer("key_HED", key_DD.view(by_head))
            self.register_buffer("value_HDE", value_DD.view(by_head).transpose(1, 2))
            self.register_buffer("value_H1E", value_D.view(last.heads, 1, -1))

    def forward(
        self, item_LD: Tensor, place_L: Tensor, pause_L: Tensor | None = None, gap_M: Tensor | None = None
    ) -> Tensor:
        """The state after the last place, shape [1, D]."""
        length, last = item_LD.shape[0], len(self.encoder.layers) - 1
        gap_LL = None if gap_M is None else gap_M.view(length, length)
        x_LD = self.encoder.entered(item_LD * self.scale, place_L, pause_L)
        for number, block in enumerate(self.encoder.layers[:-1]):
            bias_HLL = self._bias(number, x_LD, x_LD, gap_LL)
            looked_LD = self._look(number, block.before_attention(x_LD), bias_HLL)
            x_LD = self._changed(number, x_LD, block.attended(looked_LD))
        block = self.encoder.layers[-1]
        gap_1L = None if gap_LL is None else gap_LL[-1:]
        looked_1D = self._look_back(block.before_attention(x_LD), self._bias(last, x_LD[-1:], x_LD, gap_1L))
        changed_1D = self._changed(last, x_LD[-1:], block.attended(looked_1D))
        state_1D: Tensor = self.encoder.norm(changed_1D)
        return state_1D

    def _bias(self, number: int, asking_RD: Tensor, seen_LD: Tensor, gap_RL: Tensor | None) -> Tensor:
        """What attention begins with, from the places that ask to all that are seen, shape [H, R, L]."""
        table_HTT = self.get_buffer(f"bias_{number}_HTT")
        bias: Tensor = _LastRows.apply(table_HTT, asking_RD, seen_LD)  # type: ignore[no-untyped-call]
        return bias if gap_RL is None else bias + self.encoder.layers[number].of_gaps(gap_RL.unsqueeze(0))[0]

    def _look(self, number: int, normed_LD: Tensor, bias_HLL: Tensor) -> Tensor:
        """What every place gathers from itself and those before it."""
        shape = (-1, self.heads, self.dimension // self.heads)
        query_HLE, key_HLE, value_HLE = (
            product(normed_LD).view(shape).transpose(0, 1) for product in self.products[number].children()
        )
        share_HLL = torch.softmax(query_HLE @ key_HLE.transpose(1, 2) + bias_HLL, dim=2)
        looked_LD: Tensor = (share_HLL @ value_HLE).transpose(0, 1).reshape(-1, self.dimension)
        return looked_LD

    def _look_back(self, normed_LD: Tensor, bias_H1L: Tensor) -> Tensor:
        """What the last place gathers from all of them."""
        asked_H1E = normed_LD[-1:] @ self.get_buffer("query_HDE") + self.get_buffer("query_H1E")
        sought_H1D = asked_H1E @ self.get_buffer("key_HED")
        share_H1L = torch.softmax(sought_H1D @ normed_LD.T + bias_H1L, dim=2)
        value_H1E = share_H1L @ normed_LD @ self.get_buffer("value_HDE") + self.get_buffer("value_H1E")
        return value_H1E.view(1, self.dimension)

    def _changed(self, number: int, x_LD: Tensor, attended_LD: Tensor) -> Tensor:
        """The places after both branches of a block."""
        block, (gate, value) = self.encoder.layers[number], self.widened[number].children()
        if block.gated:
            attended_LD = attended_LD * torch.sigmoid(block.attention_gate(x_LD))
        x_LD = x_LD + attended_LD
        normed_LD = block.before_change(x_LD)
        changed_LD: Tensor = block.narrow(functional.silu(gate(normed_LD)) * value(normed_LD))
        if block.gated:
            changed_LD = changed_LD * torch.sigmoid(block.change_gate(x_LD))
        return x_LD + changed_LD


class _LastRows(torch.autograd.Function):
    """Of the corner of a table as long as what is seen, as many last rows as places ask.

    One copy: two slices would be two.
    """

    @staticmethod
    def forward(ctx: Any, table_HTT: Tensor, asking_RD: Tensor, seen_LD: Tensor) -> Tensor:  # noqa: ARG004
        asking, seen = len(asking_RD), len(seen_LD)
        return table_HTT[:, seen - asking : seen, :seen]

    @staticmethod
    def symbolic(g: Any, table_HTT: Any, asking_RD: Any, seen_LD: Any) -> Any:
        """The same in a graph."""
        asking, seen = (g.op("Shape", x, start_i=0, end_i=1) for x in (asking_RD, seen_LD))
        zero, both = (g.op("Constant", value_t=torch.tensor(value)) for value in ([0], [1, 2]))
        starts = g.op("Concat", g.op("Sub", seen, asking), zero, axis_i=0)
        return g.op("Slice", table_HTT, starts, g.op("Concat", seen, seen, axis_i=0), both)


def _products(block: GatedBlock) -> nn.ModuleList:
    """Queries, keys and values; the queries as small as attention wants them."""
    query, *others = _cut(block.query_key_value, 3)
    with torch.no_grad():
        for values in (query.weight, query.bias):
            values.copy_(_shrunk(values, block))
    return nn.ModuleList([query, *others])


def _cut(product: nn.Linear, count: int) -> list[nn.Linear]:
    """Parts of a product, each one of its own: then nothing has to be cut out of what comes out."""
    parts = [nn.Linear(product.in_features, product.out_features // count) for _ in range(count)]
    with torch.no_grad():
        for ours, theirs in (("weight", product.weight), ("bias", product.bias)):
            for part, values in zip(parts, theirs.chunk(count), strict=True):
                getattr(part, ours).copy_(values)
    return parts


def _shrunk(query: Tensor, block: GatedBlock) -> Tensor:
    scaled: Tensor = query * (block.query_key_value.in_features // block.heads) ** -0.5
    return scaled
