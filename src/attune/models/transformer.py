"""A causal transformer over the interactions of a customer."""

from typing import Self

from pydantic import Field, model_validator
from torch import nn

from attune.models.causal_encoder import AttentionEncoder, Positions
from attune.models.next_item import NextItem


class Transformer(NextItem):
    """States by attention: SASRec with gated branches, and distances in place of positions."""

    class Config(NextItem.Config):
        """The size of the network and how strongly it is held back."""

        heads: int = Field(default=2, ge=1)
        gated: bool = Field(default=True, description="LiGR: the two branches of a block are gated")
        positions: Positions = Field(default="distance", description="what attention knows of the order")
        times: bool = Field(default=False, description="it also knows how long before the question all was")

        @model_validator(mode="after")
        def _heads_share_the_dimension(self) -> Self:
            if self.dimension % self.heads:
                raise ValueError(f"{self.heads} heads cannot share {self.dimension} dimensions equally")
            return self

    config: Config

    @property
    def is_timed(self) -> bool:
        """Whether it reads times: the pause after each interaction, and the moment of the question."""
        return self.config.times

    def _make_encoder(self) -> nn.Module:
        config = self.config
        return AttentionEncoder(
            config.dimension,
            config.blocks,
            config.heads,
            config.dropout,
            gated=config.gated,
            positions=config.positions,
            timed=config.times,
            length=config.length,
        )
