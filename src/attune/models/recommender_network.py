"""What networks that score a whole catalogue have in common: how they recommend, travel and are measured."""

# N examples, B of a batch, V items of the catalogue, K recommendations

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pydantic import Field
from torch import Tensor

from attune.config import Settings
from attune.models.base import Floats, read_model, write_model
from attune.models.history import Histories, read_histories
from attune.models.hits import TEN
from attune.models.items import Items, Scores, recommend_best
from attune.models.network import Batch, Network, load_tensors, network_tensors


class RecommenderNetwork(Network):
    """Recommends by the scores of all items; a subclass makes the layers and scores histories."""

    class Config(Settings):
        """What every one of them can be asked for."""

        min_count: int = Field(default=5, ge=1, description="rarer items are left out of the catalogue")
        exclude_seen: bool = Field(default=False, description="never recommend what was bought before")
        index_above: int = Field(default=1_000_000, ge=1, description="so many items are all searched")

    config: Config
    items: Items

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config

    def _make_layers(self) -> None:
        """Make the layers for the items that there are."""
        raise NotImplementedError

    def _scores(self, histories: Histories) -> Scores:
        """The score of every item for N histories, shape [N, V], without gradients."""
        raise NotImplementedError

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], Floats]:
        """Recommend what each customer takes next; see `Recommender`."""
        self.eval()
        histories = read_histories(examples, self.items.codes)
        exclude = self.config.exclude_seen
        return recommend_best(self.items, self._scores, histories, k, allowed, exclude_seen=exclude)

    def save(self, folder: Path) -> None:
        """Write settings, items and weights."""
        write_model(folder, self.config, {"items": list(self.items.ids)}, network_tensors(self))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a trained network back."""
        config, state, tensors = read_model(folder)
        network = cls(cls.Config.parse(config))
        network.items = Items(state["items"])
        network._make_layers()
        load_tensors(network, tensors)
        return network.eval()


def gains(device: torch.device) -> tuple[Tensor, Tensor]:
    """What a hit at each of the first ten places gains, shape [10], and the most of 0 to 10 hits, shape [11].

    Nothing to hit counts as one, so that it can be divided by.
    """
    gain_K = 1 / torch.log2(torch.arange(TEN, device=device) + 2.0)
    return gain_K, torch.cat([gain_K[:1], gain_K.cumsum(0)])


def ndcg(logits_BV: Tensor, batch: Batch) -> Tensor:
    """NDCG@10 of the best items against a batch's labels, shape [B]."""
    gain_K, ideal_K = gains(logits_BV.device)
    bought_BV = torch.zeros_like(logits_BV)
    bought_BV[batch["label_row"], batch["label_code"]] = 1.0
    best_BK = logits_BV.topk(min(TEN, logits_BV.shape[1]), dim=1).indices
    gained_B = bought_BV.gather(1, best_BK) @ gain_K[: best_BK.shape[1]]
    return gained_B / ideal_K[batch["bought"].clamp(max=TEN)]
