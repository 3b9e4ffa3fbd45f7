"""Integrated gradients of a network over a table, with the gradient written out, as a graph.

The way from a usual customer to this one is straight in what the layers read, so the shared layer is
computed at both ends alone, and its gradient is taken once, of the weighted mean along the way. Where on the
way it is taken, and with which weights, the graph is told: few points are enough for most customers.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from attune.inference.churn_graph import SUREST, log_odds, table_sample, write_graph
from attune.inference.export import Exportable, export
from attune.inference.files import ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE
from attune.inference.folded_network import FoldedNetwork
from attune.inference.quadrature import POINTS, quadrature
from attune.models.churn_network import ChurnNetwork

# S points of the quadrature, I inputs of the shared layer, F numeric features, N names, K members, H hidden,
# M = K * H


class AttributionGraph(nn.Module):
    """What each feature adds to the log odds, before the calibration, against a usual customer."""

    def __init__(self, network: ChurnNetwork) -> None:
        super().__init__()
        self.folded = FoldedNetwork(network)
        numbers = torch.tensor([network.table.defaults])
        usual = [numbers, torch.zeros(1, len(network.table.sizes), dtype=torch.int64)]
        usual += [torch.zeros(1, *shape) for shape in network.shapes.values()]
        with torch.no_grad():
            inputs_1I, standard_1F = self.folded.read(*usual)
        self.register_buffer("usual_1I", inputs_1I)
        self.register_buffer("usual_1F", standard_1F)
        widths = [network.config.bins] * len(network.table.numeric)
        widths += [network.config.category_dim] * len(network.table.sizes)
        widths += [network.config.event_dim] * len(network.sequences)
        name_I = torch.arange(len(widths)).repeat_interleave(torch.tensor(widths))
        self.register_buffer("name_IN", torch.eye(len(widths))[name_I])
        self.register_buffer("name_FN", torch.eye(len(widths))[: len(network.table.numeric)])

    def forward(
        self,
        point_S1: Tensor,
        weight_S1: Tensor,
        numbers_1F: Tensor,
        codes_1C: Tensor,
        *sequences_1LE: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The term of each feature [N], and the log odds at each point [S]."""
        folded = self.folded
        inputs_1I, standard_1F = folded.read(numbers_1F, codes_1C, *sequences_1LE)
        usual_1I, usual_1F = self.get_buffer("usual_1I"), self.get_buffer("usual_1F")
        start_1H, start_1K = folded.shared(usual_1I), folded.line(usual_1F)
        before_SH = start_1H + point_S1 * (folded.shared(inputs_1I) - start_1H)
        line_SK = start_1K + point_S1 * (folded.line(standard_1F) - start_1K)
        logit_SK, entered = folded.logits(before_SH, line_SK)
        share_SK = logit_SK.double().sigmoid()
        mean_S1 = share_SK.mean(1, keepdim=True).clamp(SUREST, 1 - SUREST)
        slope_SK = weight_S1 * (share_SK * (1 - share_SK) / (mean_S1 * (1 - mean_S1))).float()
        slope_SK = slope_SK / share_SK.shape[1]
        slope_1H = self._through(slope_SK, entered, before_SH).sum(0, keepdim=True)
        moved_1I, moved_1F = inputs_1I - usual_1I, standard_1F - usual_1F
        term_1N = ((slope_1H @ folded.shared.weight) * moved_1I) @ self.get_buffer("name_IN")
        line_1F = slope_SK.sum() * folded.line.weight[:1] * moved_1F
        term_1N = term_1N + line_1F @ self.get_buffer("name_FN")
        return term_1N[0], log_odds(mean_S1[:, 0])

    def _through(self, slope_SK: Tensor, entered: list[Tensor], before_SH: Tensor) -> Tensor:
        """The gradient by what the shared layer gave, from the gradient by each member's logit, [S, H]."""
        folded = self.folded
        size, (members, width) = slope_SK.shape[0], folded.network.weight_KH.shape
        slope_SM = slope_SK @ folded.get_buffer("weight_KM")
        for layer, entered_SM in reversed(list(zip(folded.layers, entered[1:], strict=True))):
            back_SKH = (slope_SM * (entered_SM > 0)).view(size, members, width) * layer.output_scale_KO
            back_SKH = (back_SKH @ layer.weight_OI) * layer.input_scale_KI
            slope_SM = slope_SM + back_SKH.view(size, members * width)
        slope_SM = slope_SM * (entered[0] > 0)
        return (slope_SM @ folded.spread.weight) * (before_SH > 0)


def write_graphs(network: ChurnNetwork, folder: Path) -> None:
    """Write a trained network as a graph that scores, and as one that explains.

    Raises:
        ModelError: A graph does not answer as it should.
    """
    write_graph(network, folder)
    samples = [_points(count) | table_sample(network, 1) for count in POINTS]
    free = {"points": "points", "weights": "points", "logit": "points"}
    graph = Exportable(AttributionGraph(network), samples, ["terms", "logit"], free)
    export(graph, folder / ATTRIBUTION_FILE, folder / ATTRIBUTION_SAMPLE_FILE)


def _points(count: int) -> dict[str, Tensor]:
    points, weights = quadrature(count)
    return {"points": torch.from_numpy(points), "weights": torch.from_numpy(weights)}
