"""Integrated gradients of a network over a table, with the gradient written out, as a graph.

The way from a usual customer to this one is straight in what the layers read, so the shared layer is
computed at both ends alone, and its gradient is taken once, of the weighted mean along the way.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attune.inference.churn_graph import table_sample, write_graph
from attune.inference.export import Exportable, export
from attune.inference.files import ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE
from attune.models.churn_network import ChurnNetwork

# S points of the quadrature, I inputs of the shared layer, F numeric features, K members, H hidden
STEPS = 64


class AttributionGraph(nn.Module):
    """What each input adds to the log odds, before the calibration, against a usual customer."""

    def __init__(self, network: ChurnNetwork, steps: int) -> None:
        super().__init__()
        self.network = network
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        self.register_buffer("point_S1", torch.from_numpy((nodes + 1) / 2).float()[:, None])
        self.register_buffer("weight_S1", torch.from_numpy(weights / 2).float()[:, None])
        numbers = torch.tensor([network.table.defaults])
        usual = [numbers, torch.zeros(1, len(network.table.sizes), dtype=torch.int64)]
        usual += [torch.zeros(1, *shape) for shape in network.shapes.values()]
        with torch.no_grad():
            inputs_1I, standard_1F = self._read(*usual)
        self.register_buffer("usual_1I", inputs_1I)
        self.register_buffer("usual_1F", standard_1F)

    def forward(self, numbers_1F: Tensor, codes_1C: Tensor, *sequences_1LE: Tensor) -> tuple[Tensor, ...]:
        """Terms of the inputs [I] and of the linear layer [F]."""
        inputs_1I, standard_1F = self._read(numbers_1F, codes_1C, *sequences_1LE)
        point_S1, weight_S1 = self.get_buffer("point_S1"), self.get_buffer("weight_S1")
        usual_1I, usual_1F = self.get_buffer("usual_1I"), self.get_buffer("usual_1F")
        network = self.network
        start_1H = network.shared(usual_1I)
        before_SH = start_1H + point_S1 * (network.shared(inputs_1I) - start_1H)
        line_S1 = network.line(usual_1F) + point_S1 * network.line(standard_1F - usual_1F)
        slope_SK, slope_SH = self._slopes(before_SH, line_S1)
        slope_1H = (weight_S1 * slope_SH).sum(0, keepdim=True)
        terms_1I = (slope_1H @ network.shared.weight) * (inputs_1I - usual_1I)
        line_slope = (weight_S1 * slope_SK).sum()
        terms_1F = line_slope * network.line.weight * (standard_1F - usual_1F)
        return terms_1I[0], terms_1F[0]

    def _slopes(self, before_SH: Tensor, line_S1: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of the log odds by each member's logit, and by what enters the shared ReLU."""
        network = self.network
        hidden_SKH = before_SH.relu().unsqueeze(1)
        through = []
        for block, layer in enumerate(network.members):
            entered_SKH = layer(hidden_SKH)
            through.append((entered_SKH > 0).float())
            hidden_SKH = entered_SKH.relu() if block == 0 else hidden_SKH + entered_SKH.relu()
        logit_SK = (hidden_SKH * network.weight_KH).sum(2) + network.bias_K + line_S1
        share_SK = logit_SK.double().sigmoid()
        mean_S1 = share_SK.mean(1, keepdim=True)
        slope_SK = (share_SK * (1 - share_SK) / share_SK.shape[1] / (mean_S1 * (1 - mean_S1))).float()
        slope_SKH = slope_SK.unsqueeze(2) * network.weight_KH
        for block in reversed(range(len(network.members))):
            layer = network.members[block]
            back_SKH = (slope_SKH * through[block] * layer.output_scale_KO) @ layer.weight_OI
            back_SKH = back_SKH * layer.input_scale_KI
            slope_SKH = back_SKH if block == 0 else slope_SKH + back_SKH
        return slope_SK, slope_SKH.sum(1) * (before_SH > 0).float()

    def _read(self, numbers_1F: Tensor, codes_1C: Tensor, *sequences_1LE: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        inputs = [network.numbers(numbers_1F), network.categories(codes_1C)]
        branches = network.sequences.values()
        inputs += [branch(events) for branch, events in zip(branches, sequences_1LE, strict=True)]
        return torch.cat(inputs, dim=1), network.standard(numbers_1F)


def write_graphs(network: ChurnNetwork, folder: Path) -> None:
    """Write a trained network as a graph that scores, and as one that explains.

    Raises:
        ModelError: A graph does not answer as it should.
    """
    write_graph(network, folder)
    graph = Exportable(AttributionGraph(network, STEPS), [table_sample(network, 1)], ["inputs", "line"], {})
    export(graph, folder / ATTRIBUTION_FILE, folder / ATTRIBUTION_SAMPLE_FILE)
