"""A transformer over the orders of a customer; its answer is the state as of the example's date."""

# B examples of a batch, L orders of the longest and one place for the as-of date, M purchases, O orders,
# D embedding

import torch
from torch import Tensor, nn
from torch.nn import functional

from attune.models.network import Batch
from attune.models.ragged import places_from_the_right, spans
from attune.models.repeats import CONTEXT_FEATURES

_TIME_BUCKETS = 24  # half-octaves from a quarter of a day to three years
_SIZE_BUCKETS = 9  # octaves up to 256 purchases in an order


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, dimension: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.before_attention, self.before_change = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.query, self.key_value = nn.Linear(dimension, dimension), nn.Linear(dimension, 2 * dimension)
        self.attended = nn.Linear(dimension, dimension)
        self.change = nn.Sequential(
            nn.Linear(dimension, 2 * dimension), nn.GELU(), nn.Linear(2 * dimension, dimension)
        )

    def forward(self, x_BLD: Tensor, mask_B11L: Tensor, *, only_last: bool) -> Tensor:
        """Let every place, or the last alone, look at the places that the mask allows."""
        size, _, dimension = x_BLD.shape
        normed_BLD = self.before_attention(x_BLD)
        asking = slice(-1, None) if only_last else slice(None)
        shape = (size, -1, self.heads, dimension // self.heads)
        query = self.query(normed_BLD[:, asking]).view(shape).transpose(1, 2)
        key, value = (
            part.view(shape).transpose(1, 2) for part in self.key_value(normed_BLD).chunk(2, dim=-1)
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask_B11L)
        attended_BLD = attended.transpose(1, 2).reshape(size, -1, dimension)
        x_BLD = x_BLD[:, asking] + self.dropout(self.attended(attended_BLD))
        result: Tensor = x_BLD + self.dropout(self.change(self.before_change(x_BLD)))
        return result


class OrderEncoder(nn.Module):
    """Encode orders, each as the sum of its items, its age and its size, into one state a customer."""

    def __init__(self, dimension: int, blocks: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.age = nn.Embedding(_TIME_BUCKETS, dimension)
        self.size = nn.Embedding(_SIZE_BUCKETS, dimension)
        for table in (self.age, self.size):
            nn.init.normal_(table.weight, std=0.05)
        self.context = nn.Linear(CONTEXT_FEATURES, dimension)
        self.blocks = nn.ModuleList(Block(dimension, heads, dropout) for _ in range(blocks))
        self.norm, self.dropout = nn.LayerNorm(dimension), nn.Dropout(dropout)
        self.output = nn.Linear(dimension, dimension)

    def forward(self, batch: Batch, items_VD: Tensor, scale: float) -> Tensor:
        """The state of each customer as of the example's date, shape [B, D]; items act by their scale."""
        counts_B = batch["order_count"]
        length = int(counts_B.max()) + 1
        row_O, _ = spans(counts_B, counts_B)
        place_O = places_from_the_right(counts_B, length - 1)
        as_of_BD = self.context(batch["context"])
        x_BLD = as_of_BD.new_zeros(len(counts_B), length - 1, as_of_BD.shape[1])
        x_BLD = x_BLD.index_put((row_O, place_O), self.dropout(self._orders(batch, items_VD, scale)))
        x_BLD = torch.cat([x_BLD, as_of_BD.unsqueeze(1)], dim=1)
        first_B1 = (length - 1 - counts_B).unsqueeze(1)
        mask_BL = torch.arange(length, device=counts_B.device) >= first_B1
        for position, block in enumerate(self.blocks, start=1):
            x_BLD = block(x_BLD, mask_BL[:, None, None], only_last=position == len(self.blocks))
        state_BD: Tensor = self.output(self.dropout(self.norm(x_BLD[:, -1])))
        return state_BD

    def _orders(self, batch: Batch, items_VD: Tensor, scale: float) -> Tensor:
        size_O = batch["order_size"]
        begins_O = torch.cumsum(size_O, dim=0) - size_O
        sum_OD = functional.embedding_bag(batch["code"], items_VD, begins_O, mode="sum")
        half_octaves_O = (torch.log2(batch["order_age"] + 0.25) + 2).mul(2).long()
        octaves_O = torch.log2(size_O.float()).long()
        # The root keeps large orders from drowning small ones, and single items as they are.
        order_OD: Tensor = sum_OD * (scale / size_O.sqrt()).unsqueeze(1)
        order_OD = order_OD + self.age(half_octaves_O.clamp(0, _TIME_BUCKETS - 1))
        described_OD: Tensor = order_OD + self.size(octaves_O.clamp(0, _SIZE_BUCKETS - 1))
        return described_OD
