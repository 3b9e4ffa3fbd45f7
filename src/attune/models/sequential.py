"""The sequential recommender: a transformer over orders, with a branch for what is bought again.

The idea of scoring repeats by a branch of their own is RepeatNet's (Ren and others, 2019, arXiv 1812.02646);
that recency, frequency and rhythm of the own history carry most of a grocery's next basket is shown by
Faggioli and others (2020) and Ariannezhad and others (2022, ReCANet).
"""

# B examples of a batch, P pairs of an example and an item of its history, V items of the catalogue,
# D embedding, H width of the repeat branch, T items bought afterwards

from collections.abc import Iterator
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from attune.columns import ITEM_ID, LABEL
from attune.models.catalogue_loss import catalogue_logits, catalogue_loss
from attune.models.counting import frequent_items
from attune.models.encoder import OrderEncoder
from attune.models.history import Histories, known_purchases, read_histories
from attune.models.hits import TEN
from attune.models.items import Scores
from attune.models.network import Batch
from attune.models.ragged import spans
from attune.models.recommender_network import RecommenderNetwork, gains, ndcg
from attune.models.repeats import (
    CONTEXT_FEATURES,
    ITEM_FEATURES,
    REPEAT_FEATURES,
    SCALES_IN_DAYS,
    find_repeats,
    item_features,
)

_BATCHES_SORTED_TOGETHER = 16


class Sequential(RecommenderNetwork):
    """Score new items by a customer's state, and items bought before by what the history says of them."""

    class Config(RecommenderNetwork.Config):
        """The size of the network and how strongly it is held back."""

        dimension: int = Field(default=64, ge=4)
        blocks: int = Field(default=2, ge=1, le=8)
        heads: int = Field(default=2, ge=1)
        dropout: float = Field(default=0.2, ge=0, lt=1)
        repeat_width: int = Field(default=32, ge=2, description="width of the repeat branch")
        orders: int = Field(default=100, ge=1, description="only so many latest orders are encoded")
        item_rate: float = Field(default=0.3, gt=0, description="how fast items learn, beside the rest")
        habit_rate: float = Field(default=0.1, gt=0, description="how fast the habits of items learn")

        @model_validator(mode="after")
        def _heads_share_the_dimension(self) -> Self:
            if self.dimension % self.heads:
                raise ValueError(f"{self.heads} heads cannot share {self.dimension} dimensions equally")
            return self

    config: Config
    habits_VF: Tensor

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn the catalogue and what all histories say about each item, and make the layers.

        Raises:
            ModelError: No item was bought often enough.
        """
        purchases = known_purchases(train)
        self.items = frequent_items(purchases, self.config.min_count)
        code = self.items.codes(purchases[ITEM_ID])
        self._make_layers()
        self.habits_VF.copy_(torch.from_numpy(item_features(purchases, code, len(self.items))))
        bought_V = np.bincount(code[code >= 0], minlength=len(self.items))
        start_V = np.log(bought_V / bought_V.sum()) / self.config.item_rate
        with torch.no_grad():
            self.bias_V.copy_(torch.from_numpy(start_V))

    def _make_layers(self) -> None:
        config, size = self.config, len(self.items)
        # Adam moves every weight by about the learning rate, however seldom its item is seen. Tables of
        # items are kept larger than they act, and so learn more slowly than the layers all items share.
        self.item_VD = nn.Parameter(torch.randn(size, config.dimension) * 0.05 / config.item_rate)
        self.bias_V = nn.Parameter(torch.zeros(size))
        self.habit_VH = nn.Parameter(torch.zeros(size, config.repeat_width))
        self.encoder = OrderEncoder(config.dimension, config.blocks, config.heads, config.dropout)
        self.repeat = nn.Linear(REPEAT_FEATURES + 1, config.repeat_width)
        self.habits = nn.Linear(ITEM_FEATURES, config.repeat_width, bias=False)
        self.shopping = nn.Linear(CONTEXT_FEATURES, config.repeat_width, bias=False)
        self.taste = nn.Linear(config.dimension, config.repeat_width, bias=False)
        self.start = nn.Linear(REPEAT_FEATURES + 1, 1)
        nn.init.zeros_(self.start.weight)
        with torch.no_grad():
            # Frequent lately, likely again: learning begins where personal frequency ends.
            self.start.weight[0, SCALES_IN_DAYS.index(60.0)] = 2.0
        self.again = nn.Sequential(
            nn.GELU(),
            nn.Linear(config.repeat_width, config.repeat_width),
            nn.GELU(),
            nn.Linear(config.repeat_width, 1),
        )
        self.register_buffer("habits_VF", torch.zeros(size, ITEM_FEATURES))

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into lists end to end: orders, repeats and labels, with start and count of each."""
        encoded = self._encode(read_histories(examples, self.items.codes))
        if with_labels:
            labels = [self.items.codes(bought) for bought in examples[LABEL]]
            known = [codes[codes >= 0] for codes in labels]
            encoded |= _list_of("label", np.array([len(codes) for codes in known], dtype=np.int64))
            encoded["label_code"] = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *known]))
            encoded["bought"] = torch.tensor([len(set(items)) for items in examples[LABEL]])
        return encoded

    def _encode(self, histories: Histories) -> Batch:
        repeats = find_repeats(histories)
        first_O = np.unique(histories.order, return_index=True)[1].astype(np.int64)
        counts_N = np.bincount(histories.row[first_O], minlength=len(histories)).astype(np.int64)
        sizes_O = np.diff(np.append(first_O, len(histories.code)))
        tensors = {
            "context": repeats.context,
            "order_first": first_O,
            "order_size": sizes_O.astype(np.int64),
            "order_age": histories.age[first_O].astype(np.float32),
            "code": histories.code,
            "repeat_code": repeats.code,
            "repeat": repeats.features.astype(np.float16),
        }
        encoded = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
        return encoded | _list_of("order", counts_N) | _list_of("repeat", np.diff(repeats.starts))

    def batches(self, encoded: Batch, batch_size: int, order: Tensor) -> Iterator[Batch]:
        """Cut batches of examples with about equally many orders, so that little padding is computed."""
        counts_N = encoded["order_count"]
        cut: list[Tensor] = []
        for rows in torch.split(order.to(counts_N.device), batch_size * _BATCHES_SORTED_TOGETHER):
            cut.extend(torch.split(rows[torch.argsort(counts_N[rows], stable=True)], batch_size))
        shuffle = torch.Generator().manual_seed(int(order[0]))
        for position in torch.randperm(len(cut), generator=shuffle):
            yield self._cut(encoded, cut[int(position)])

    def _cut(self, encoded: Batch, rows: Tensor) -> Batch:
        counts_B = encoded["order_count"][rows].clamp(max=self.config.orders)
        skipped_B = encoded["order_count"][rows] - counts_B
        _, orders = spans(encoded["order_start"][rows] + skipped_B, counts_B)
        _, purchases = spans(encoded["order_first"][orders], encoded["order_size"][orders])
        repeat_row, repeats = spans(encoded["repeat_start"][rows], encoded["repeat_count"][rows])
        batch = {
            "context": encoded["context"][rows],
            "order_count": counts_B,
            "order_size": encoded["order_size"][orders],
            "order_age": encoded["order_age"][orders],
            "code": encoded["code"][purchases],
            "repeat_row": repeat_row,
            "repeat_code": encoded["repeat_code"][repeats],
            "repeat": encoded["repeat"][repeats].float(),
        }
        if "label_code" in encoded:
            batch["label_row"], labels = spans(encoded["label_start"][rows], encoded["label_count"][rows])
            batch["label_code"] = encoded["label_code"][labels]
            batch["bought"] = encoded["bought"][rows]
        return batch

    def forward(self, batch: Batch) -> Tensor:
        """The logit of every item for each customer, shape [B, V]."""
        return catalogue_logits(*self._parts(batch))

    def _parts(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What the logits are made of: states, items, biases, own logits of repeats and their places."""
        rate, row_P, code_P = self.config.item_rate, batch["repeat_row"], batch["repeat_code"]
        state_BD = self.encoder(batch, self.item_VD, rate)
        customer_BH = self.shopping(batch["context"]) + self.taste(state_BD)
        habit_PH = self.habits(self.habits_VF[code_P]) + self.config.habit_rate * self.habit_VH[code_P]
        scaled_BD = state_BD * rate  # instead of the items, which are many more
        match_P1 = (scaled_BD[row_P] * self.item_VD[code_P]).sum(dim=1, keepdim=True)
        repeat_PF = torch.cat([batch["repeat"], match_P1], dim=1)
        changed_P1 = self.again(self.repeat(repeat_PF) + habit_PH + customer_BH[row_P])
        again_P = (self.start(repeat_PF) + changed_P1).squeeze(1)
        bias_V = self.bias_V * rate
        # What was bought before is judged by its history instead of by the state.
        return scaled_BD, self.item_VD, bias_V, again_P + bias_V[code_P], row_P * len(self.items) + code_P

    def loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the items bought, each weighing as much as a hit on it can add to NDCG@10.

        When asked, not learning, it is what NDCG@10 lacks to 1: that chooses the epoch.
        """
        if not self.training:
            return 1 - ndcg(self(batch), batch).mean()
        row_T = batch["label_row"]
        _, ideal_K = gains(self.bias_V.device)
        weight_T = 1 / ideal_K[batch["bought"].clamp(max=TEN)][row_T]
        target_T = row_T * len(self.items) + batch["label_code"]
        total = catalogue_loss(*self._parts(batch), target_T, weight_T)
        return total / weight_T.sum().clamp(min=1.0)

    @torch.no_grad()
    def _scores(self, histories: Histories) -> Scores:
        batch = self._cut(self._encode(histories), torch.arange(len(histories)))
        scores_NV: Scores = self(batch).numpy()
        return scores_NV


def _list_of(name: str, counts_N: npt.NDArray[np.int64]) -> Batch:
    starts_N = np.cumsum(counts_N) - counts_N
    return {f"{name}_count": torch.from_numpy(counts_N), f"{name}_start": torch.from_numpy(starts_N)}
