"""A next-item network as plain tensors: the items of one customer in, the state after the last out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.inference.attention_graph import AttentionGraph, TrainedAttention
from attune.inference.export import Exportable, export
from attune.inference.files import GRAPH_FILE, SAMPLE_FILE
from attune.inference.index_writer import write_search
from attune.models.causal_encoder import AttentionEncoder, RecurrentEncoder
from attune.models.next_item import NextItem
from attune.models.time_buckets import TIME_BUCKETS

# L places, D embedding, M pairs of places, row after row
_LENGTHS = (11, 2, 1)
_SEED = 0


class RecurrentGraph(nn.Module):
    """The last state of a `RecurrentEncoder` for one customer."""

    def __init__(self, encoder: RecurrentEncoder, scale: float) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale

    def forward(self, item_LD: Tensor, place_L: Tensor) -> Tensor:
        """The state after the last place, shape [1, D]."""
        states_1LD: Tensor = self.encoder((item_LD * self.scale).unsqueeze(0), place_L)
        return states_1LD[:, -1]


def write_graph(network: NextItem, folder: Path) -> None:
    """Write a trained next-item network as a graph, and the graph that screens its items.

    Raises:
        ModelError: A graph does not answer as the network does, or there is none for its encoder.
    """
    samples = [_sample(network, length) for length in _LENGTHS]
    free = dict.fromkeys(samples[0], "places") | {"gaps": "pairs"}
    module, original = _modules(network)
    export(Exportable(module, samples, ["state"], free, original), folder / GRAPH_FILE, folder / SAMPLE_FILE)
    item_VD = network.item_VD.detach().numpy()

    def sample_of(number: int) -> dict[str, Tensor]:
        return _sample(network, 1 + number % _LENGTHS[0], seed=number)

    write_search(folder, item_VD, network.bias_V.detach().numpy(), network.config.index_above, sample_of)


def _modules(network: NextItem) -> tuple[nn.Module, nn.Module | None]:
    """What becomes a graph, and what it has to agree with where that is not the network as it is."""
    encoder, config = network.encoder, network.config
    scale = config.dimension**0.5
    if isinstance(encoder, AttentionEncoder):
        length = max(config.length, *_LENGTHS)
        return AttentionGraph(encoder, scale, length), TrainedAttention(encoder, scale, length)
    if isinstance(encoder, RecurrentEncoder):
        return RecurrentGraph(encoder, scale), None
    raise ModelError(f"{type(encoder).__name__} has no graph; add one to attune.inference.next_item_graph")


def _sample(network: NextItem, length: int, seed: int = _SEED) -> dict[str, Tensor]:
    """A made-up customer with so many interactions."""
    draw = torch.Generator().manual_seed(seed + length)
    code_L = torch.randint(0, len(network.items), (length,), generator=draw)
    inputs = {"items": network.item_VD.detach()[code_L], "places": torch.zeros_like(code_L)}
    if network.is_timed:
        inputs["pauses"] = torch.randint(0, TIME_BUCKETS, (length,), generator=draw)
        inputs["gaps"] = torch.randint(0, TIME_BUCKETS, (length * length,), generator=draw)
    return inputs
