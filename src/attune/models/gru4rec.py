"""The recurrent alternative: a gated recurrent unit over the interactions of a customer."""

from torch import nn

from attune.models.causal_encoder import RecurrentEncoder
from attune.models.next_item import NextItem


class Gru4Rec(NextItem):
    """States by recurrence, which needs no more memory however long a history is."""

    def _make_encoder(self) -> nn.Module:
        return RecurrentEncoder(self.config.dimension, self.config.blocks, self.config.dropout)
