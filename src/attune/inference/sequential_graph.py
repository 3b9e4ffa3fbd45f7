"""The sequential recommender as plain tensors: orders and repeats in, a state and logits of repeats out.

One customer at a time needs no padding and no masks. What looks things up in tables as long as the catalogue
stays outside, in numpy: the graph is small, and the tables exist once.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attune.inference.export import Exportable, export
from attune.inference.files import GRAPH_FILE, SAMPLE_FILE
from attune.inference.index_writer import write_search
from attune.models.repeats import CONTEXT_FEATURES, ITEM_FEATURES, REPEAT_FEATURES
from attune.models.sequential import Sequential

# O orders of the customer, P items bought before, D embedding, H width of the repeat branch
_ORDERS, _REPEATS = 7, 19
_SEED = 0


class SequentialGraph(nn.Module):
    """`Sequential` for one customer, from what `GraphRecommender` looks up."""

    def __init__(self, network: Sequential) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        context_1C: Tensor,
        order_OD: Tensor,
        age_O: Tensor,
        size_O: Tensor,
        repeat_PF: Tensor,
        repeat_item_PD: Tensor,
        item_features_PI: Tensor,
        habit_PH: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The state that items are compared with, shape [1, D], and the repeats' logits, shape [P]."""
        network = self.network
        state_1D = self._state(context_1C, order_OD, age_O, size_O)
        customer_1H = network.shopping(context_1C) + network.taste(state_1D)
        scaled_1D = state_1D * network.config.item_rate
        match_P1 = repeat_item_PD @ scaled_1D.T
        known_PF = torch.cat([repeat_PF, match_P1], dim=1)
        habits_PH = network.habits(item_features_PI) + network.config.habit_rate * habit_PH
        changed_P1 = network.again(network.repeat(known_PF) + habits_PH + customer_1H)
        return scaled_1D, (network.start(known_PF) + changed_P1).squeeze(1)

    def _state(self, context_1C: Tensor, order_OD: Tensor, age_O: Tensor, size_O: Tensor) -> Tensor:
        encoder = self.network.encoder
        order_OD = order_OD + encoder.age(age_O) + encoder.size(size_O)
        x_1LD = torch.cat([order_OD, encoder.context(context_1C)]).unsqueeze(0)
        for position, block in enumerate(encoder.blocks, start=1):
            x_1LD = block(x_1LD, None, only_last=position == len(encoder.blocks))
        state_1D: Tensor = encoder.output(encoder.norm(x_1LD[:, -1]))
        return state_1D


def write_graph(network: Sequential, folder: Path) -> None:
    """Write a trained sequential recommender as a graph, and the graph that screens its items.

    Raises:
        ModelError: A graph does not answer as the network does.
    """
    export(sequential_graph(network), folder / GRAPH_FILE, folder / SAMPLE_FILE)
    item_VD = network.item_VD.detach().numpy()
    bias_V = network.bias_V.detach().numpy() * np.float32(network.config.item_rate)

    def sample_of(number: int) -> dict[str, Tensor]:
        return _sample(network, 1 + number % _ORDERS, _REPEATS, seed=number)

    write_search(folder, item_VD, bias_V, network.config.index_above, sample_of)


def sequential_graph(network: Sequential) -> Exportable:
    """A trained sequential recommender for the exporter."""
    samples = [_sample(network, orders, repeats) for orders, repeats in ((_ORDERS, _REPEATS), (1, 1), (0, 0))]
    orders = dict.fromkeys(("orders", "ages", "sizes"), "orders")
    repeats = ("repeats", "repeat_items", "item_features", "habits", "again")
    return Exportable(
        SequentialGraph(network), samples, ["state", "again"], orders | dict.fromkeys(repeats, "repeats")
    )


def _sample(network: Sequential, orders: int, repeats: int, seed: int = _SEED) -> dict[str, Tensor]:
    """A made-up customer with so many orders and items bought before."""
    draw = torch.Generator().manual_seed(seed + orders)
    encoder, dimension = network.encoder, network.config.dimension
    item_P = torch.randint(0, len(network.items), (repeats,), generator=draw)
    return {
        "context": torch.rand(1, CONTEXT_FEATURES, generator=draw),
        "orders": torch.randn(orders, dimension, generator=draw),
        "ages": torch.randint(0, encoder.age.num_embeddings, (orders,), generator=draw),
        "sizes": torch.randint(0, encoder.size.num_embeddings, (orders,), generator=draw),
        "repeats": torch.rand(repeats, REPEAT_FEATURES, generator=draw),
        "repeat_items": network.item_VD.detach()[item_P],
        "item_features": torch.rand(repeats, ITEM_FEATURES, generator=draw),
        "habits": network.habit_VH.detach()[item_P],
    }
