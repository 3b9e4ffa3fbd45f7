"""A network over a table as plain tensors: numbers, category codes and orders in, the log odds out."""

from pathlib import Path

import torch
from torch import Tensor, nn

from attune.inference.export import Exportable, export
from attune.inference.files import GRAPH_FILE, SAMPLE_FILE
from attune.inference.folded_network import FoldedNetwork
from attune.models.churn_network import ChurnNetwork

# B examples, F numeric features, C categorical features, L orders of E facts, K members
SUREST = 1e-7
_ROWS = 16
_SEED = 0


class ChurnGraph(nn.Module):
    """The log odds that `ChurnNetwork` calibrates, from the arrays that it makes of examples."""

    def __init__(self, network: ChurnNetwork) -> None:
        super().__init__()
        self.folded = FoldedNetwork(network)

    def forward(self, numbers_BF: Tensor, codes_BC: Tensor, *sequences_BLE: Tensor) -> Tensor:
        """The log odds of each example's mean probability, before the calibration, shape [B]."""
        folded = self.folded
        inputs_BI, standard_BF = folded.read(numbers_BF, codes_BC, *sequences_BLE)
        logit_BK, _ = folded.logits(folded.shared(inputs_BI), folded.line(standard_BF))
        return log_odds(logit_BK.double().sigmoid().mean(1))


class _Trained(nn.Module):
    """The same log odds, by the network itself."""

    def __init__(self, network: ChurnNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, numbers_BF: Tensor, codes_BC: Tensor, *sequences_BLE: Tensor) -> Tensor:
        batch = {"numbers": numbers_BF, "categories": codes_BC}
        batch |= dict(zip(self.network.sequences, sequences_BLE, strict=True))
        return torch.logit(self.network(batch).double().sigmoid().mean(1), eps=SUREST)


def log_odds(mean_B: Tensor) -> Tensor:
    """The log odds of probabilities, as far as the network tells them from 0 and 1."""
    return torch.logit(mean_B.clamp(SUREST, 1 - SUREST))


def write_graph(network: ChurnNetwork, folder: Path) -> None:
    """Write a trained network over a table as a graph.

    Raises:
        ModelError: The graph does not answer as the network does.
    """
    samples = [table_sample(network, rows) for rows in (_ROWS, 1)]
    free = dict.fromkeys([*samples[0], "logit"], "examples")
    graph = Exportable(ChurnGraph(network), samples, ["logit"], free, original=_Trained(network))
    export(graph, folder / GRAPH_FILE, folder / SAMPLE_FILE)


def table_sample(network: ChurnNetwork, rows: int) -> dict[str, Tensor]:
    """Made-up examples: numbers as they spread in training, any categories, and some orders or messages."""
    draw = torch.Generator().manual_seed(_SEED + rows)
    mean_F, deviation_F = network.standard.mean_F, network.standard.deviation_F
    sample = {"numbers": mean_F + deviation_F * torch.randn(rows, len(mean_F), generator=draw)}
    codes = [torch.randint(0, size, (rows, 1), generator=draw) for size in network.table.sizes]
    sample["codes"] = torch.cat(codes, dim=1) if codes else torch.zeros(rows, 0, dtype=torch.int64)
    for name, (length, facts) in network.shapes.items():
        facts_BLE = torch.rand(rows, length, facts, generator=draw)
        there_L1 = torch.arange(length).unsqueeze(1) >= length // 2
        sample[name] = facts_BLE * there_L1
    return sample
