"""An exponential moving average of weights, which answers better than the last step's and stops later."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """The moving average of a network's parameters (Polyak averaging); a decay of 0 keeps none."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: list[Tensor] = []
        self._network = network
        if decay:
            self.weights = [weight.detach().clone() for weight in network.parameters()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1.

        Early steps are followed more closely, so that the average does not lag behind a quick start.
        """
        if self.decay:
            decay = min(self.decay, step / (step + 10))
            torch._foreach_lerp_(self.weights, list(self._network.parameters()), 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the network answer by the average for a while."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        if self.decay:
            for average, weight in zip(self.weights, self._network.parameters(), strict=True):
                kept = weight.clone()
                weight.copy_(average)
                average.copy_(kept)
