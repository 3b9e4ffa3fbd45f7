"""Train a small transformer, as tests do in processes that are killed or that train together."""

import sys
from pathlib import Path

import torch
from safetensors.numpy import save_file

from attune.models.base import Tensors
from attune.models.catalog import build
from attune.models.network import network_tensors
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import next_item_examples

SETTINGS = LoopSettings(epochs=3, batch_size=16, average=0.9, patience=3)


def learn(settings: LoopSettings, dropout: float, checkpoint: Path | None = None) -> Tensors:
    """The weights of a transformer that saw 72 walks along a list."""
    torch.set_num_threads(1)
    network = build("transformer", {"dimension": 8, "blocks": 1, "min_count": 1, "dropout": dropout})
    train_network(network, next_item_examples(72, 0), next_item_examples(16, 1), settings, checkpoint)
    return network_tensors(network)


if __name__ == "__main__":
    save_file(learn(SETTINGS, float(sys.argv[1]), Path(sys.argv[2])), sys.argv[3])
