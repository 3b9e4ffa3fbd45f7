"""The churn network: an efficient ensemble of small networks over a table of features.

TabM (Gorishniy, Kotelnikov and Babenko, 2025, arXiv 2410.24210): K members share the weight matrices and
differ by scaling vectors, so one forward pass trains and asks all of them. Numbers enter twice: standardised
through a linear path, and as piecewise-linear encodings (Gorishniy, Rubachev and Babenko, 2022, arXiv
2203.05556) whose bins are quantiles of the training examples.

B examples in the batch, K members, F numeric features, T bins, C categorical features, I inputs, O outputs.
"""

from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from attune.config import Settings
from attune.models.base import Floats, read_model, write_model
from attune.models.encodings import CategoryEncoding, NumberEncoding
from attune.models.ensemble import EnsembleLinear
from attune.models.network import Batch, Network, load_tensors, network_tensors
from attune.models.tabular import FeatureTable, labels_of, labels_to_learn
from attune.models.temperature import best_temperature, sigmoid

_ROWS_AT_ONCE = 8192


class ChurnNetwork(Network):
    """Give each customer the probability of leaving."""

    class Config(Settings):
        """The size of the network and how strongly it is held back."""

        members: int = Field(default=16, ge=1, le=64)
        width: int = Field(default=64, ge=4)
        blocks: int = Field(default=2, ge=1, le=8)
        bins: int = Field(default=12, ge=2, le=64, description="quantile bins of a number")
        number_dim: int = Field(default=8, ge=1, description="embedding of a number")
        category_dim: int = Field(default=4, ge=1, description="embedding of a category")
        dropout: float = Field(default=0.2, ge=0, lt=1)

    config: Config
    temperature: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def prepare(self, train: pd.DataFrame) -> None:
        """Learn columns, scales and bins from the training examples alone, and make the layers.

        Raises:
            ModelError: A column cannot be a feature, or the labels hold one class only.
        """
        labels_N = labels_to_learn(train)
        self.table = FeatureTable.learn(train)
        self._make_layers()
        self.numbers.learn(self.table.numbers(train))
        nn.init.constant_(self.linear.bias, float(np.log(labels_N.mean() / (1 - labels_N.mean()))))

    def _make_layers(self) -> None:
        config, table = self.config, self.table
        self.numbers = NumberEncoding(len(table.numeric), config.bins, config.number_dim)
        self.categories = CategoryEncoding(table.sizes, config.category_dim)
        inputs = len(table.numeric) * config.number_dim + len(table.sizes) * config.category_dim
        sizes = [inputs] + [config.width] * config.blocks
        self.hidden = nn.ModuleList(
            EnsembleLinear(before, after, config.members, random_signs=position == 0)
            for position, (before, after) in enumerate(pairwise(sizes))
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output_KO = nn.Parameter(torch.randn(config.members, config.width) * config.width**-0.5)
        self.linear = nn.Linear(len(table.numeric), 1)
        nn.init.zeros_(self.linear.weight)
        self.register_buffer("temperature", torch.ones(()))

    def encode(self, examples: pd.DataFrame, *, with_labels: bool) -> Batch:
        """Turn examples into numbers [N, F], category codes [N, C] and labels [N]."""
        encoded = {
            "numbers": torch.from_numpy(self.table.numbers(examples).astype(np.float32)),
            "categories": torch.from_numpy(self.table.codes(examples)),
        }
        if with_labels:
            encoded["labels"] = torch.from_numpy(labels_of(examples).astype(np.float32))
        return encoded

    def forward(self, batch: Batch) -> Tensor:
        """The logits of every member, shape [B, K]."""
        standard_BF = self.numbers.standardise(batch["numbers"])
        inputs_BI = torch.cat([self.numbers(standard_BF), self.categories(batch["categories"])], dim=1)
        hidden_BKI = inputs_BI.unsqueeze(1).expand(-1, self.config.members, -1)
        for position, layer in enumerate(self.hidden):
            changed_BKO = self.dropout(functional.relu(layer(hidden_BKI)))
            hidden_BKI = changed_BKO if position == 0 else hidden_BKI + changed_BKO
        logits_BK = torch.einsum("bko,ko->bk", hidden_BKI, self.output_KO)
        result: Tensor = logits_BK + self.linear(standard_BF)
        return result

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of the members, each of which learns for itself; of their mean answer when asked."""
        logits_BK = self(batch)
        if not self.training:
            return functional.binary_cross_entropy(logits_BK.sigmoid().mean(1), batch["labels"])
        labels_BK = batch["labels"].unsqueeze(1).expand_as(logits_BK)
        return functional.binary_cross_entropy_with_logits(logits_BK, labels_BK)

    def finish(self, validation: pd.DataFrame) -> None:
        """Learn one temperature on the validation examples, so that probabilities mean what they say."""
        self.temperature.fill_(best_temperature(self._logits(validation), labels_of(validation)))

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of leaving for each of N examples, shape [N]."""
        return sigmoid(self._logits(examples) / float(self.temperature))

    @torch.no_grad()
    def _logits(self, examples: pd.DataFrame) -> Floats:
        self.eval()
        encoded = self.encode(examples, with_labels=False)
        order = torch.arange(len(examples))
        parts = [
            torch.logit(self(batch).double().sigmoid().mean(1), eps=1e-7)
            for batch in self.batches(encoded, _ROWS_AT_ONCE, order)
        ]
        return torch.cat(parts).numpy() if parts else np.empty(0)

    def save(self, folder: Path) -> None:
        """Write settings, columns and weights."""
        write_model(folder, self.config, self.table.model_dump(mode="json"), network_tensors(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained network back."""
        config, table, tensors = read_model(folder)
        network = cls(cls.Config.parse(config))
        network.table = FeatureTable.parse(table)
        network._make_layers()
        load_tensors(network, tensors)
        return network.eval()
