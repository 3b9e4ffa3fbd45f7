"""A next-item network as plain tensors: the items of one customer in, the state after the last out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from attune.errors import ModelError
from attune.inference.export import Exportable, export
from attune.inference.files import GRAPH_FILE, RETRIEVAL_FILE, SAMPLE_FILE
from attune.inference.index_writer import made_up_state, write_index
from attune.inference.retrieval import Vector
from attune.inference.retrieval_graph import retrieval_graph
from attune.inference.session import Graph
from attune.models.causal_encoder import AttentionEncoder, RecurrentEncoder, distance_buckets
from attune.models.next_item import NextItem
from attune.models.time_buckets import TIME_BUCKETS

# L places, D embedding, M pairs of places, row after row
_LENGTHS = (11, 2, 1)
_SEED = 0


class AttentionGraph(nn.Module):
    """The last state of an `AttentionEncoder` for one customer.

    What distances add to attention is a table of its own, made here once: gathering it for each customer took
    as long as all the products of the network.

    What has no logarithm in common with numpy comes in buckets: places, and where the encoder is timed the
    pauses after them and, row after row, how long before what each is asked every other was.
    """

    def __init__(self, encoder: AttentionEncoder, scale: float, length: int) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, scale
        place_T = torch.arange(length)
        bucket_TT = distance_buckets(place_T[:, None] - place_T)
        for number, block in enumerate(encoder.layers):
            self.register_buffer(f"bias_{number}_HTT", block.bias(bucket_TT, None, None).detach())

    def forward(
        self, item_LD: Tensor, place_L: Tensor, pause_L: Tensor | None = None, gap_M: Tensor | None = None
    ) -> Tensor:
        """The state after the last place, shape [1, D]."""
        length = item_LD.shape[0]
        gap_1LL = None if gap_M is None else gap_M.view(1, length, length)
        last = len(self.encoder.blocks) - 1
        biases = [self._bias(number, length, gap_1LL, number == last) for number in range(last + 1)]
        x_1LD = self.encoder.entered(item_LD * self.scale, place_L, pause_L).unsqueeze(0)
        asked_1 = torch.arange(length)[-1:]
        return self.encoder.encoded(x_1LD, biases, asked_1).squeeze(1)

    def _bias(self, number: int, length: int, gap_1LL: Tensor | None, of_last: bool) -> Tensor:
        """What the attention of one block begins with, at every place or at the last alone."""
        first = length - 1 if of_last else 0
        bias = self.get_buffer(f"bias_{number}_HTT")[:, first:length, :length].unsqueeze(0)
        if gap_1LL is None:
            return bias
        return bias + self.encoder.layers[number].of_gaps(gap_1LL[:, first:])


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
    network_graph = Exportable(_module(network), samples, ["state"], free)
    export(network_graph, folder / GRAPH_FILE, folder / SAMPLE_FILE)
    item_VD = network.item_VD.detach().numpy()
    (folder / RETRIEVAL_FILE).write_bytes(retrieval_graph(item_VD))
    graph = Graph.read(folder / GRAPH_FILE)

    def state_of(number: int) -> Vector:
        return made_up_state(graph, _sample(network, 1 + number % _LENGTHS[0], seed=number))

    write_index(folder, item_VD, network.bias_V.detach().numpy(), network.config.index_above, state_of)


def _module(network: NextItem) -> nn.Module:
    encoder, config = network.encoder, network.config
    scale = config.dimension**0.5
    if isinstance(encoder, AttentionEncoder):
        return AttentionGraph(encoder, scale, max(config.length, *_LENGTHS))
    if isinstance(encoder, RecurrentEncoder):
        return RecurrentGraph(encoder, scale)
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
