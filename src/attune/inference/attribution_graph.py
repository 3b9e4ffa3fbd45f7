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

# B examples, S points of the quadrature, X = B * S, I inputs of the shared layer, F numeric features,
# N names, K members, H hidden, M = K * H

_ROWS = (3, 2, 1)  # of the samples, one of each count of points


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
        numbers_BF: Tensor,
        codes_BC: Tensor,
        *sequences_BLE: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The term of each feature [B, N], and the log odds at each point [X]."""
        folded = self.folded
        inputs_BI, standard_BF = folded.read(numbers_BF, codes_BC, *sequences_BLE)
        usual_1I, usual_1F = self.get_buffer("usual_1I"), self.get_buffer("usual_1F")
        start_1H, start_1K = folded.shared(usual_1I), folded.line(usual_1F)
        before_BSH = _on_the_way(start_1H, folded.shared(inputs_BI), point_S1)
        line_BSK = _on_the_way(start_1K, folded.line(standard_BF), point_S1)
        before_XH, line_XK = (each.reshape(-1, each.shape[2]) for each in (before_BSH, line_BSK))
        logit_XK, entered = folded.logits(before_XH, line_XK)
        share_XK = logit_XK.double().sigmoid()
        mean_X1 = share_XK.mean(1, keepdim=True).clamp(SUREST, 1 - SUREST)
        slope_XK = (share_XK * (1 - share_XK) / (mean_X1 * (1 - mean_X1))).float() / line_XK.shape[1]
        slope_XH = self._through(slope_XK, entered, before_XH)
        slope_BH = (slope_XH.view_as(before_BSH) * weight_S1).sum(1)
        term_BN = ((slope_BH @ folded.shared.weight) * (inputs_BI - usual_1I)) @ self.get_buffer("name_IN")
        slope_BK = (slope_XK.view_as(line_BSK) * weight_S1).sum(1)
        line_BF = slope_BK.sum(1, keepdim=True) * folded.line.weight[:1] * (standard_BF - usual_1F)
        return term_BN + line_BF @ self.get_buffer("name_FN"), log_odds(mean_X1[:, 0])

    def _through(self, slope_XK: Tensor, entered: list[Tensor], before_XH: Tensor) -> Tensor:
        """The gradient by what the shared layer gave, from the gradient by each member's logit, [X, H]."""
        folded = self.folded
        size, (members, width) = slope_XK.shape[0], folded.network.weight_KH.shape
        slope_XM = slope_XK @ folded.get_buffer("weight_KM")
        for layer, entered_XM in reversed(list(zip(folded.layers, entered[1:], strict=True))):
            back_XKH = (slope_XM * (entered_XM > 0)).view(size, members, width) * layer.output_scale_KO
            back_XKH = (back_XKH @ layer.weight_OI) * layer.input_scale_KI
            slope_XM = slope_XM + back_XKH.view(size, members * width)
        slope_XM = slope_XM * (entered[0] > 0)
        return (slope_XM @ folded.spread.weight) * (before_XH > 0)


def _on_the_way(start_1H: Tensor, end_BH: Tensor, point_S1: Tensor) -> Tensor:
    """What a layer gives at each point of a straight way, shape [B, S, H]."""
    return start_1H + point_S1 * (end_BH.unsqueeze(1) - start_1H)


def write_graphs(network: ChurnNetwork, folder: Path) -> None:
    """Write a trained network as a graph that scores, and as one that explains.

    Raises:
        ModelError: A graph does not answer as it should.
    """
    write_graph(network, folder)
    samples = [
        _points(count) | table_sample(network, rows) for count, rows in zip(POINTS, _ROWS, strict=True)
    ]
    free = dict.fromkeys([*table_sample(network, 1), "terms"], "examples")
    free |= {"points": "points", "weights": "points", "logit": "answers"}
    graph = Exportable(AttributionGraph(network), samples, ["terms", "logit"], free)
    export(graph, folder / ATTRIBUTION_FILE, folder / ATTRIBUTION_SAMPLE_FILE)


def _points(count: int) -> dict[str, Tensor]:
    points, weights = quadrature(count)
    return {"points": torch.from_numpy(points), "weights": torch.from_numpy(weights)}
