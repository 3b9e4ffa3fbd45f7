"""A next-item network as plain tensors: the items of one customer in, the state after the last out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.inference.export import Exportable, export
from attune.inference.files import GRAPH_FILE, RETRIEVAL_FILE, SAMPLE_FILE
from attune.inference.retrieval_graph import retrieval_graph
from attune.models.causal_encoder import AttentionEncoder, RecurrentEncoder, distance_buckets
from attune.models.next_item import NextItem

# L places, D embedding
_LENGTHS = (11, 2, 1)
_SEED = 0


class AttentionGraph(nn.Module):
    """The last state of an `AttentionEncoder` for one customer; distances come from a table."""

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale
        self.register_buffer("bucket_T", distance_buckets(torch.arange(length)))

    def forward(self, item_LD: Tensor, place_L: Tensor) -> Tensor:
        """The state after the last place, shape [1, D]."""
        at_L = torch.arange(item_LD.shape[0])
        distance_LL = at_L[:, None] - at_L
        bucket_LL = self.get_buffer("bucket_T")[distance_LL.clamp(min=0)].masked_fill(distance_LL < 0, -1)
        x_1LD = (item_LD * self.scale + self.encoder.place(place_L)).unsqueeze(0)
        for position, block in enumerate(self.encoder.blocks, start=1):
            x_1LD = block(x_1LD, bucket_LL, at_L[-1:] if position == len(self.encoder.blocks) else None)
        state_1D: Tensor = self.encoder.norm(x_1LD[:, -1])
        return state_1D


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
    free = dict.fromkeys(samples[0], "places")
    network_graph = Exportable(_module(network), samples, ["state"], free)
    export(network_graph, folder / GRAPH_FILE, folder / SAMPLE_FILE)
    (folder / RETRIEVAL_FILE).write_bytes(retrieval_graph(network.item_VD.detach().numpy()))


def _module(network: NextItem) -> nn.Module:
    encoder, config = network.encoder, network.config
    scale = config.dimension**0.5
    if isinstance(encoder, AttentionEncoder):
        return AttentionGraph(encoder, scale, config.length)
    if isinstance(encoder, RecurrentEncoder):
        return RecurrentGraph(encoder, scale)
    raise ModelError(f"{type(encoder).__name__} has no graph; add one to attune.inference.next_item_graph")


def _sample(network: NextItem, length: int) -> dict[str, Tensor]:
    """A made-up customer with so many interactions."""
    draw = torch.Generator().manual_seed(_SEED + length)
    code_L = torch.randint(0, len(network.items), (length,), generator=draw)
    places_L = torch.arange(length).clamp(max=3)
    return {"items": network.item_VD.detach()[code_L], "places": places_L}
