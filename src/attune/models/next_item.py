"""Networks that learn, at every place of a sequence, which item comes next; the end of a history answers."""

# N examples, B of a batch, L places, T targets, V items of the catalogue, D embedding

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn

from attune.columns import ITEM_ID
from attune.errors import ModelError
from attune.models.counting import frequent_of
from attune.models.history import Histories, purchase_counts, read_histories
from attune.models.item_side import ItemSide, feature_codes
from attune.models.items import Items, Scores
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

_LOGITS_AT_ONCE = 2**26  # 256 MB


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
        side: bool = Field(default=False, description="items have features too, and new ones nothing else")
        side_alone: float = Field(default=0.2, ge=0, lt=1, description="of items told by features alone")

    config: Config
    side: ItemSide | None
    item_table: pd.DataFrame | None = None

    def read_items(self, table: pd.DataFrame) -> None:
        """Take the table of items, from which it learns where `side` is on; see `ReadsItems`."""
        self.item_table = table

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn the catalogue and how often each item is bought, and make the layers.

        Raises:
            ModelError: No item was bought often enough, or there is no table of items where it is wanted.
        """
        self.prepare_in_parts([train])

    def prepare_in_parts(self, parts: Iterable[pd.DataFrame]) -> None:
        """Do as `prepare` does; a purchase that two parts know of, in examples of two dates, counts twice."""
        counts = pd.Series(dtype=np.int64)
        for part in parts:
            counts = counts.add(purchase_counts(part), fill_value=0)
        self.items = frequent_of(counts, self.config.min_count)
        kept = counts[self.items.ids]
        self._make_layers()
        share_V = torch.from_numpy(kept.to_numpy(dtype=np.float32) / kept.sum())
        self.negatives = Negatives(share_V)
        with torch.no_grad():
            self.bias_V.copy_(share_V.log())
        if self.config.side:
            self._add_side()

    def _make_layers(self) -> None:
        self.item_VD = nn.Parameter(torch.randn(len(self.items), self.config.dimension) * 0.02)
        self.bias_V = nn.Parameter(torch.zeros(len(self.items)))
        self.encoder = self._make_encoder()
        self.side = None

    def _add_side(self) -> None:
        if self.item_table is None:
            raise ModelError(
                f"{type(self).__name__} is to learn features of items, and there is no table of them; give "
                "one to read_items, or leave side out"
            )
        new = sorted(set(self.item_table[ITEM_ID]) - set(self.items.ids))
        self.new_items = Items(new)
        code_VC = feature_codes(self.item_table, [*self.items.ids, *new])
        self.side = ItemSide(code_VC, self.config.dimension, self.config.side_alone)

    @torch.no_grad()
    def finish(self, validation: pd.DataFrame) -> None:  # noqa: ARG002  nothing to choose
        """Give each item, also those that nobody took yet, the vector that its features and it make.

        From here on the network is one without features, over a larger catalogue; a new item counts as
        popular as the median one.
        """
        if self.side is None:
            return
        new = torch.zeros(len(self.new_items), self.config.dimension)
        own_VD = torch.cat([self.item_VD, new])
        item_VD = self.side(own_VD, torch.arange(len(own_VD)))
        bias_V = torch.cat([self.bias_V, self.bias_V.median().expand(len(new))])
        self.items = Items([*self.items.ids, *self.new_items.ids])
        self.item_VD, self.bias_V, self.side = nn.Parameter(item_VD), nn.Parameter(bias_V), None

    @property
    def is_timed(self) -> bool:
        """Whether the encoder reads times."""
        return False

    def vectors(self, item_U: Tensor | None = None) -> Tensor:
        """The vectors of some items, or of all that teach, shape [U, D]."""
        own_UD = self.item_VD if item_U is None else self.item_VD[item_U]
        if self.side is None:
            return own_UD
        all_V = torch.arange(len(own_UD), device=own_UD.device)
        vectors_UD: Tensor = self.side(own_UD, all_V if item_U is None else item_U)
        return vectors_UD

    def _make_encoder(self) -> nn.Module:
        """Make what turns [B, L, D] items and [B, L] places into states, each blind to what follows."""
        raise NotImplementedError

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into sequences end to end, with start and count of each."""
        histories = read_histories(examples, self.items.codes)
        return sequences_of(histories, examples if with_labels else None, self.items, timed=self.is_timed)

    def ends(self, histories: Histories) -> Batch:
        """The latest interactions of each history, in one batch."""
        sequences = sequences_of(histories, None, self.items, timed=self.is_timed)
        return last_windows(sequences, torch.arange(len(histories)), self.config.length)

    def batches(self, encoded: Batch, batch_size: int, order: Tensor) -> Iterator[Batch]:
        """Cut windows to learn from, or, when not learning, the ends of histories and what followed."""
        config = self.config
        if not self.training:  # then all items are scored
            batch_size = max(1, min(batch_size, _LOGITS_AT_ONCE // len(self.items)))
        for rows in equal_batches(encoded["count"].clamp(max=config.length), batch_size, order):
            if self.training:
                yield training_windows(
                    encoded, rows, config.length, exclude_seen=config.exclude_seen, items=len(self.items)
                )
            else:
                yield last_windows(encoded, rows, config.length) | labels_and_seen(encoded, rows)

    def embedded(self, item_BLD: Tensor) -> Tensor:
        """What the encoder reads of items' vectors, shape [B, L, D]."""
        scaled_BLD: Tensor = item_BLD * self.config.dimension**0.5
        return scaled_BLD

    def forward(self, batch: Batch) -> Tensor:
        """The logit of every item after the last of so many places, shape [B, V].

        Where there is no place, an item is as likely as it is popular.

        Args:
            batch: With `code`, `before`, `real`, and `times` where the network is timed.
        """
        item_VD = self.vectors()
        state_BD = self.state(self.embedded(item_VD[batch["code"]]), batch)
        logits_BV: Tensor = torch.addmm(self.bias_V, state_BD, item_VD.T)
        return logits_BV

    def state(self, item_BLD: Tensor, batch: Batch) -> Tensor:
        """The state after the last of so many places, shape [B, D]; zero where there is none."""
        count_B = batch["real"].sum(dim=1)
        asked_B = (count_B - 1).clamp(min=0)
        last_B1D: Tensor = self.encoder(item_BLD, batch["before"], asked_B, batch.get("times"))
        return last_B1D.squeeze(1) * (count_B > 0).unsqueeze(1)

    def loss(self, batch: Batch) -> Tensor:
        """The mean cross-entropy of the next items; when not learning, what NDCG@10 lacks to 1."""
        if not self.training:
            return 1 - self._ndcg(batch).mean()
        if self.config.negatives:
            return self._sampled(batch)
        item_VD = self.vectors()
        state_TD = self._states(item_VD[batch["code"]], batch)
        return next_item_loss(state_TD, item_VD, self.bias_V, batch["target"], batch["excluded"])

    def weight(self, batch: Batch) -> float:
        """How many places a batch asks."""
        return float(len(batch["target"]))

    def _states(self, item_BLD: Tensor, batch: Batch) -> Tensor:
        """The state at each place that has a target, shape [T, D]."""
        states_BLD: Tensor = self.encoder(self.embedded(item_BLD), batch["before"], None, batch.get("times"))
        state_TD: Tensor = states_BLD[batch["real"]]
        return state_TD

    def _sampled(self, batch: Batch) -> Tensor:
        sampled_S, log_expected_S = self.negatives.draw(self.config.negatives)
        # What a batch touches is looked up once: each look-up has a gradient as large as the table.
        asked = [batch["code"].flatten(), batch["target"], sampled_S]
        touched_U, place = torch.unique(torch.cat(asked), return_inverse=True)
        item_UD, bias_U = self.vectors(touched_U), self.bias_V[touched_U]
        code, target_T, sampled_S = place.split([len(part) for part in asked])
        state_TD = self._states(item_UD[code.view_as(batch["code"])], batch)
        return sampled_loss(state_TD, item_UD, bias_U, target_T, sampled_S, log_expected_S)

    def _ndcg(self, batch: Batch) -> Tensor:
        logits_BV = self(batch)
        if self.config.exclude_seen:
            logits_BV[batch["seen_row"], batch["seen_code"]] = -torch.inf
        return ndcg(logits_BV, batch)

    @torch.no_grad()
    def _scores(self, histories: Histories) -> Scores:
        scores_NV: Scores = self(self.ends(histories)).numpy()
        return scores_NV
