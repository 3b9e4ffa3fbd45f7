"""Integrated gradients of a network over a table, by Captum: along the straight way of what its layers read.

B examples, I inputs, F numeric features, K members.
"""

import numpy as np
import pandas as pd
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from attune.models.base import Floats
from attune.models.churn_network import ChurnNetwork
from attune.models.events import READ_FROM


class _MeanLogit(nn.Module):
    """The log odds of the members' mean answer, before the calibration."""

    def __init__(self, network: ChurnNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs_BI: Tensor, standard_BF: Tensor) -> Tensor:
        mean_B = self.network.logits(inputs_BI, standard_BF).double().sigmoid().mean(1)
        return torch.logit(mean_B, eps=1e-7)


def network_terms(
    network: ChurnNetwork, examples: pd.DataFrame, usual: pd.DataFrame, steps: int
) -> tuple[list[str], Floats]:
    """What each feature adds to the log odds, before the calibration.

    Args:
        network: A trained network.
        examples: N examples.
        usual: What each is compared with, N rows.
        steps: Points of the quadrature.

    Returns:
        The features, sequences last where the network reads them, and their terms, shape [N, names].
    """
    network.eval()
    with torch.no_grad():
        here, there = (network.inputs(network.encode(rows, with_labels=False)) for rows in (examples, usual))
    attributed = IntegratedGradients(_MeanLogit(network)).attribute(
        here, baselines=there, n_steps=steps, method="gausslegendre", internal_batch_size=8192
    )
    inputs_NI, standard_NF = (part.double().numpy() for part in attributed)
    return _by_feature(network, inputs_NI, standard_NF)


def _by_feature(network: ChurnNetwork, inputs_NI: Floats, standard_NF: Floats) -> tuple[list[str], Floats]:
    """Sum up the inputs that belong to one feature."""
    config, table = network.config, network.table
    widths = [config.bins] * len(table.numeric) + [config.category_dim] * len(table.sizes)
    names = table.columns
    widths += [config.event_dim] * len(network.sequences)
    names = [*names, *(READ_FROM[name] for name in network.sequences)]
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(int)
    terms_NF = np.add.reduceat(inputs_NI, starts, axis=1)
    terms_NF[:, : len(table.numeric)] += standard_NF
    return names, terms_NF
