"""The churn network: an efficient ensemble of small networks over a table of features.

Numbers enter as piecewise-linear encodings, categories as embeddings. One layer is shared; after it K members
go their own ways as in TabM (Gorishniy, Kotelnikov and Babenko, 2025, arXiv 2410.24210): they share weight
matrices and differ by scaling vectors, so that one pass trains or asks all of them. Sharing the wide first
layer too costs a tenth, and lost nothing on the default data. Where the examples tell when a customer
ordered, a sequence branch may join what it gathers from that to the inputs.

N examples, B of them in the batch, K members, C categorical features, F numeric features, I inputs, H hidden,
L orders, E facts about each.
"""

import math
from pathlib import Path
from typing import Self, cast

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from attune.columns import HISTORY_TIMES
from attune.config import Settings
from attune.models.base import Floats, read_model, write_model
from attune.models.calibration import Calibration, choose_calibration
from attune.models.encodings import CategoryEncoding, NumberEncoding, Standardisation
from attune.models.ensemble import EnsembleLinear
from attune.models.events import ORDERS, OrderSequence, SequenceBranch, recent_orders
from attune.models.network import Batch, Network, load_tensors, network_tensors
from attune.models.tabular import FeatureTable, labels_of, labels_to_learn

_ROWS_AT_ONCE = 8192
_SMALL_START = 0.1  # how loud the members are at first, beside the linear layer
_LARGEST = 1e30  # what fits single precision; beyond the last bin all numbers are alike


class ChurnNetwork(Network):
    """Give each customer the probability of leaving."""

    class Config(Settings):
        """The size of the network and how strongly it is held back."""

        members: int = Field(default=16, ge=1, le=64)
        width: int = Field(default=48, ge=4)
        blocks: int = Field(default=1, ge=1, le=8, description="layers of each member")
        bins: int = Field(default=24, ge=2, le=256, description="quantile bins of a number")
        category_dim: int = Field(default=4, ge=1, description="embedding of a category")
        dropout: float = Field(default=0.4, ge=0, lt=1)
        sequence: SequenceBranch = Field(default="none", description="what reads the order of past orders")
        events: int = Field(default=32, ge=1, description="orders that the sequence branch sees")
        event_dim: int = Field(default=16, ge=2, multiple_of=2, description="state of the sequence branch")

    config: Config
    calibration: Calibration

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.calibration = Calibration()

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn columns, scales and bins from the training examples alone, and make the layers.

        Raises:
            ModelError: A column cannot be a feature, or the labels hold one class only.
        """
        labels_N = labels_to_learn(train)
        self.table = FeatureTable.learn(train)
        self._make_layers()
        numbers_NF = self._numbers(train)
        self.numbers.learn(numbers_NF)
        self.standard.learn(numbers_NF)
        share = float(labels_N.mean())
        nn.init.constant_(self.bias_K, math.log(share / (1 - share)))

    def _make_layers(self) -> None:
        config, table = self.config, self.table
        inputs = len(table.numeric) * config.bins + len(table.sizes) * config.category_dim
        self.sequences = nn.ModuleDict(self._branches())
        inputs += len(self.sequences) * config.event_dim
        self.numbers = NumberEncoding(len(table.numeric), config.bins)
        self.categories = CategoryEncoding(table.sizes, config.category_dim)
        self.standard = Standardisation(len(table.numeric))
        self.line = nn.Linear(len(table.numeric), 1, bias=False)
        nn.init.zeros_(self.line.weight)
        self.shared = nn.Linear(inputs, config.width)
        self.members = nn.ModuleList(
            EnsembleLinear(config.width, config.width, config.members, random_signs=block == 0)
            for block in range(config.blocks)
        )
        self.dropout = nn.Dropout(config.dropout)
        start_KH = torch.randn(config.members, config.width) * config.width**-0.5
        self.weight_KH = nn.Parameter(_SMALL_START * start_KH)
        self.bias_K = nn.Parameter(torch.zeros(config.members))

    def _branches(self) -> dict[str, OrderSequence]:
        """The sequence branches that were asked for and that the training examples can feed, by tensor."""
        config = self.config
        if config.sequence == "none" or HISTORY_TIMES not in self.table.sequences:
            return {}
        return {ORDERS: OrderSequence(config.sequence, config.event_dim, config.dropout, config.events)}

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """What each sequence branch reads of an example, by tensor: how many events, and facts of each."""
        return {name: (branch.length, branch.facts) for name, branch in self._read_by()}

    def _read_by(self) -> list[tuple[str, OrderSequence]]:
        return [(name, cast(OrderSequence, branch)) for name, branch in self.sequences.items()]

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into numbers [N, F], codes [N, C], sequences [N, L, E] if read, and labels [N]."""
        encoded = {
            "numbers": torch.from_numpy(self._numbers(examples).astype(np.float32)),
            "categories": torch.from_numpy(self.table.codes(examples)),
        }
        encoded |= self._sequences(examples)
        if with_labels:
            encoded["labels"] = torch.from_numpy(labels_of(examples).astype(np.float32))
        return encoded

    def _sequences(self, examples: pd.DataFrame) -> Batch:
        if ORDERS not in self.sequences:
            return {}
        return {ORDERS: torch.from_numpy(recent_orders(examples, self.config.events).astype(np.float32))}

    def _numbers(self, examples: pd.DataFrame) -> Floats:
        return self.table.numbers(examples).clip(-_LARGEST, _LARGEST)

    def forward(self, batch: Batch) -> Tensor:
        """The logits of every member, shape [B, K]."""
        return self.logits(*self.inputs(batch))

    def inputs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """What the layers read, shape [B, I]: bins, categories, sequences; and standard numbers [B, F]."""
        encoded = [self.numbers(batch["numbers"]), self.categories(batch["categories"])]
        encoded += [branch(batch[name]) for name, branch in self.sequences.items()]
        return torch.cat(encoded, dim=1), self.standard(batch["numbers"])

    def logits(self, inputs_BI: Tensor, standard_BF: Tensor) -> Tensor:
        """The logits of every member for what `inputs` made, shape [B, K]."""
        hidden_BH = functional.relu(self.shared(inputs_BI))
        hidden_BKH = hidden_BH.unsqueeze(1).expand(-1, self.config.members, -1)
        for block, layer in enumerate(self.members):
            changed_BKH = self.dropout(functional.relu(layer(hidden_BKH)))
            hidden_BKH = changed_BKH if block == 0 else hidden_BKH + changed_BKH
        deep_BK = torch.einsum("bkh,kh->bk", hidden_BKH, self.weight_KH) + self.bias_K
        line_B1: Tensor = self.line(standard_BF)
        return deep_BK + line_B1

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of the members, each of which learns for itself; of their mean answer when asked."""
        logits_BK = self(batch)
        if not self.training:
            return functional.binary_cross_entropy(logits_BK.sigmoid().mean(1), batch["labels"])
        labels_BK = batch["labels"].unsqueeze(1).expand_as(logits_BK)
        return functional.binary_cross_entropy_with_logits(logits_BK, labels_BK)

    def finish(self, validation: pd.DataFrame) -> None:
        """Choose a calibration on the validation examples, so that probabilities mean what they say."""
        self.calibration = choose_calibration(self.log_odds(validation), validation)

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of leaving for each of N examples, shape [N]."""
        return self.calibration.probabilities(self.log_odds(examples))

    @torch.no_grad()
    def log_odds(self, examples: pd.DataFrame) -> Floats:
        """What the network says of N examples, before the calibration, shape [N]."""
        self.eval()
        encoded = self.encode(examples, with_labels=False)
        order = torch.arange(len(examples))
        parts = [
            torch.logit(self(batch).double().sigmoid().mean(1), eps=1e-7)
            for batch in self.batches(encoded, _ROWS_AT_ONCE, order)
        ]
        return torch.cat(parts).numpy() if parts else np.empty(0)

    def save(self, folder: Path) -> None:
        """Write settings, columns, weights and the calibration."""
        write_model(folder, self.config, self.table.model_dump(mode="json"), network_tensors(self))
        self.calibration.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained network back."""
        config, table, tensors = read_model(folder)
        network = cls(cls.Config.parse(config))
        network.table = FeatureTable.parse(table)
        network._make_layers()
        load_tensors(network, tensors)
        network.calibration = Calibration.load(folder)
        return network.eval()
