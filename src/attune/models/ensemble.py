"""A linear layer of many models at once.

B examples in the batch, K members, I inputs, O outputs.
"""

import torch
from torch import Tensor, nn


class EnsembleLinear(nn.Module):
    """One weight matrix for all members; each scales its inputs and outputs and has its own bias.

    BatchEnsemble (Wen, Tran and Ba, 2020, arXiv 2002.06715), initialised as in TabM (Gorishniy, Kotelnikov
    and Babenko, 2025, arXiv 2410.24210): random signs on the first layer's inputs make the members differ.
    """

    def __init__(self, inputs: int, outputs: int, members: int, *, random_signs: bool) -> None:
        super().__init__()
        scale_KI = torch.ones(members, inputs)
        if random_signs:
            scale_KI = torch.randint(0, 2, (members, inputs)).float() * 2 - 1
        bound = inputs**-0.5
        self.weight_OI = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound))
        self.input_scale_KI = nn.Parameter(scale_KI)
        self.output_scale_KO = nn.Parameter(torch.ones(members, outputs))
        self.bias_KO = nn.Parameter(torch.zeros(members, outputs))

    def forward(self, inputs_BKI: Tensor) -> Tensor:
        """Apply every member to its own input, shape [B, K, O]."""
        shared_BKO = (inputs_BKI * self.input_scale_KI) @ self.weight_OI.T
        return shared_BKO * self.output_scale_KO + self.bias_KO
