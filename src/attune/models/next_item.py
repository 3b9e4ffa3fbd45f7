"""Networks that learn, at every place of a sequence, which item comes next; the end of a history answers."""

# N examples, B of a batch, L places, T targets, V items of the catalogue, D embedding

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn

from attune.columns import ITEM_ID
from attune.models.counting import frequent_items
from attune.models.history import Histories, known_purchases, read_histories
from attune.models.items import Scores
from attune.models.negatives import Negatives
from attune.models.network import Batch
from attune.models.next_item_loss import next_item_loss, sampled_loss
from attune.models.recommender_network import RecommenderNetwork, ndcg
from attune.models.sequences import (
    equal_batches,
    labels_and_seen,
    last_windows,
    sequences_of,
    training_windows,
)


class NextItem(RecommenderNetwork):
    """Score every item by the state of a sequence; a subclass says what encodes the sequence.

    Every place of a sequence teaches, so that one pass over a customer gives as many targets as they have
    interactions (Kang and McAuley, 2018, SASRec, arXiv 1808.09781, with the loss over the whole catalogue
    that Klenitskiy and Vasilev, 2023, arXiv 2309.07602, show to matter most).
    """

    class Config(RecommenderNetwork.Config):
        """The size of the network and how strongly it is held back."""

        dimension: int = Field(default=64, ge=4)
        blocks: int = Field(default=2, ge=1, le=8)
        dropout: float = Field(default=0.2, ge=0, lt=1)
        length: int = Field(default=200, ge=1, description="only so many latest interactions are encoded")
        negatives: int = Field(default=0, ge=0, description="sampled items in the loss; 0 takes them all")

    config: Config

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn the catalogue and how often each item is bought, and make the layers.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        kept = purchases[ITEM_ID].value_counts()[self.items.ids]
        self._make_layers()
        share_V = torch.from_numpy(kept.to_numpy(dtype=np.float32) / kept.sum())
        self.negatives = Negatives(share_V)
        with torch.no_grad():
            self.bias_V.copy_(share_V.log())

    def _make_layers(self) -> None:
        self.item_VD = nn.Parameter(torch.randn(len(self.items), self.config.dimension) * 0.02)
        self.bias_V = nn.Parameter(torch.zeros(len(self.items)))
        self.encoder = self._make_encoder()

    def _make_encoder(self) -> nn.Module:
        """Make what turns [B, L, D] items and [B, L] places into states, each blind to what follows."""
        raise NotImplementedError

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into sequences end to end, with start and count of each."""
        histories = read_histories(examples, self.items.codes)
        return sequences_of(histories, examples if with_labels else None, self.items)

    def batches(self, encoded: Batch, batch_size: int, order: Tensor) -> Iterator[Batch]:
        """Cut windows to learn from, or, when not learning, the ends of histories and what followed."""
        config = self.config
        for rows in equal_batches(encoded["count"].clamp(max=config.length), batch_size, order):
            if self.training:
                yield training_windows(
                    encoded, rows, config.length, exclude_seen=config.exclude_seen, items=len(self.items)
                )
            else:
                yield last_windows(encoded, rows, config.length) | labels_and_seen(encoded, rows)

    def states(self, code_BL: Tensor, before_BL: Tensor) -> Tensor:
        """The state after each place, shape [B, L, D].

        Args:
            code_BL: Items, oldest first, padded at the end with any item.
            before_BL: How many came before each.
        """
        states_BLD: Tensor = self.encoder(self.embedded(code_BL), before_BL)
        return states_BLD

    def embedded(self, code_BL: Tensor) -> Tensor:
        """What the encoder reads of items, shape [B, L, D]."""
        item_BLD: Tensor = self.item_VD[code_BL] * self.config.dimension**0.5
        return item_BLD

    def forward(self, code_BL: Tensor, before_BL: Tensor, count_B: Tensor) -> Tensor:
        """The logit of every item after the last of so many places, shape [B, V].

        Where there is no place, an item is as likely as it is popular.
        """
        state_BD = self.state(self.embedded(code_BL), before_BL, count_B)
        logits_BV: Tensor = torch.addmm(self.bias_V, state_BD, self.item_VD.T)
        return logits_BV

    def state(self, item_BLD: Tensor, before_BL: Tensor, count_B: Tensor) -> Tensor:
        """The state after the last of so many places, shape [B, D]; zero where there is none."""
        last_B1D: Tensor = self.encoder(item_BLD, before_BL, (count_B - 1).clamp(min=0))
        return last_B1D.squeeze(1) * (count_B > 0).unsqueeze(1)

    def loss(self, batch: Batch) -> Tensor:
        """The mean cross-entropy of the next items; when not learning, what NDCG@10 lacks to 1."""
        if not self.training:
            return 1 - self._ndcg(batch).mean()
        if self.config.negatives:
            return self._sampled(batch)
        state_TD = self.states(batch["code"], batch["before"])[batch["real"]]
        return next_item_loss(state_TD, self.item_VD, self.bias_V, batch["target"], batch["excluded"])

    def weight(self, batch: Batch) -> float:
        """How many places a batch asks."""
        return float(len(batch["target"]))

    def _sampled(self, batch: Batch) -> Tensor:
        sampled_S, log_expected_S = self.negatives.draw(self.config.negatives)
        # What a batch touches is looked up once: each look-up has a gradient as large as the table.
        asked = [batch["code"].flatten(), batch["target"], sampled_S]
        touched_U, place = torch.unique(torch.cat(asked), return_inverse=True)
        item_UD, bias_U = self.item_VD[touched_U], self.bias_V[touched_U]
        code, target_T, sampled_S = place.split([len(part) for part in asked])
        item_BLD = item_UD[code.view_as(batch["code"])] * self.config.dimension**0.5
        state_TD = self.encoder(item_BLD, batch["before"])[batch["real"]]
        return sampled_loss(state_TD, item_UD, bias_U, target_T, sampled_S, log_expected_S)

    def _ndcg(self, batch: Batch) -> Tensor:
        logits_BV = self(batch["code"], batch["before"], batch["real"].sum(dim=1))
        if self.config.exclude_seen:
            logits_BV[batch["seen_row"], batch["seen_code"]] = -torch.inf
        return ndcg(logits_BV, batch)

    @torch.no_grad()
    def _scores(self, histories: Histories) -> Scores:
        sequences = sequences_of(histories, None, self.items)
        batch = last_windows(sequences, torch.arange(len(histories)), self.config.length)
        scores_NV: Scores = self(batch["code"], batch["before"], batch["real"].sum(dim=1)).numpy()
        return scores_NV
