"""A network over a table for answering: constants multiplied out, so that few and large products are left.

A graph for one customer spends its time between its operations, not in them: what training keeps apart, the
scales and the matrix of the members for example, is one matrix here.
"""

import torch
from torch import Tensor, nn

from attune.models.churn_network import ChurnNetwork
from attune.models.ensemble import EnsembleLinear

# B examples or S points, I inputs of the shared layer, F numeric features, H hidden, K members, M = K * H


class FoldedNetwork(nn.Module):
    """The logits of `ChurnNetwork`, in three steps: `read`, `shared` and `logits`."""

    def __init__(self, network: ChurnNetwork) -> None:
        super().__init__()
        self.network = network
        self.layers = [_ensemble(layer) for layer in list(network.members)[1:]]
        with torch.no_grad():
            self.shared = _shared(network)
            self.spread = _spread(network)
            members, width = network.weight_KH.shape
            self.line = nn.Linear(len(network.table.numeric), members)
            self.line.weight.copy_(network.line.weight.expand(members, -1))
            self.line.bias.copy_(network.bias_K)
            each_KM = torch.eye(members).repeat_interleave(width, dim=1)
            self.register_buffer("weight_KM", network.weight_KH.flatten() * each_KM)

    def read(self, numbers_BF: Tensor, codes_BC: Tensor, *sequences_BLE: Tensor) -> tuple[Tensor, Tensor]:
        """What the shared layer reads [B, I], bins from 0 to 1; and standard numbers [B, F]."""
        network = self.network
        filled_BFT = (numbers_BF.unsqueeze(2) - network.numbers.start_FT) / network.numbers.width_FT
        inputs = [filled_BFT.clamp(0, 1).flatten(1), network.categories(codes_BC)]
        branches = network.sequences.values()
        inputs += [branch(events) for branch, events in zip(branches, sequences_BLE, strict=True)]
        return torch.cat(inputs, dim=1), network.standard(numbers_BF)

    def logits(self, before_BH: Tensor, line_BK: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits of the members.

        Args:
            before_BH: What the shared layer gave.
            line_BK: What the linear layer gave.

        Returns:
            Shape [B, K], and what entered the ReLU of each of the members' layers, shapes [B, M].
        """
        size, (members, width) = before_BH.shape[0], self.network.weight_KH.shape
        entered = [self.spread(before_BH.relu())]
        hidden_BM = entered[0].relu()
        for layer in self.layers:
            entered.append(layer(hidden_BM.view(size, members, width)).view(size, members * width))
            hidden_BM = hidden_BM + entered[-1].relu()
        return torch.addmm(line_BK, hidden_BM, self.get_buffer("weight_KM").T), entered


def _shared(network: ChurnNetwork) -> nn.Linear:
    """The shared layer for bins from 0 to 1, where the network's own are from -1 to 1."""
    weight_HI, bias_H = network.shared.weight.double().clone(), network.shared.bias.double()
    binned = network.numbers.start_FT.numel()
    bias_H = bias_H - weight_HI[:, :binned].sum(1)
    weight_HI[:, :binned] *= 2
    return _linear(weight_HI, bias_H)


def _spread(network: ChurnNetwork) -> nn.Linear:
    """The members' first layer as one matrix: all of them read the same."""
    first = _ensemble(network.members[0])
    weight_KOI = first.output_scale_KO[:, :, None] * first.weight_OI * first.input_scale_KI[:, None, :]
    return _linear(weight_KOI.flatten(0, 1), first.bias_KO.flatten())


def _ensemble(layer: nn.Module) -> EnsembleLinear:
    if not isinstance(layer, EnsembleLinear):
        raise TypeError(f"members are made of {type(layer).__name__}; EnsembleLinear is wanted")
    return layer


def _linear(weight_OI: Tensor, bias_O: Tensor) -> nn.Linear:
    layer = nn.Linear(weight_OI.shape[1], weight_OI.shape[0])
    layer.weight.copy_(weight_OI)
    layer.bias.copy_(bias_O)
    return layer
