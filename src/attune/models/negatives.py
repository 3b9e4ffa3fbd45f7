"""Items drawn at random to stand for all others, where a catalogue is too large to score whole."""

# V items, S drawn

import torch
from torch import Tensor, nn


class Negatives(nn.Module):
    """Draws items, half of them by popularity and half from all alike.

    Popular items are the hard ones to tell from what was taken; the other half keeps the weight of a rare
    item, which is one over its chance, within twice the size of the catalogue.
    """

    def __init__(self, share_V: Tensor) -> None:
        super().__init__()
        chance_V = share_V.double() / 2 + 0.5 / len(share_V)
        self.register_buffer("log_chance_V", chance_V.log(), persistent=False)
        self.register_buffer("until_V", chance_V.cumsum(0), persistent=False)

    log_chance_V: Tensor
    until_V: Tensor

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Draw one item from each of so many equal parts of all chances.

        Each is expected as often as if all were drawn alike, but a popular one comes up hardly more or less
        often than that, so that sums over the sample are closer to sums over the catalogue.

        Returns:
            The items and the logarithm of how often each was to be expected among them, both shape [S].
        """
        within_S = torch.rand(count, dtype=torch.float64, device=self.until_V.device)
        part_S = torch.arange(count, dtype=torch.float64, device=self.until_V.device)
        spot_S = (part_S + within_S) / count * self.until_V[-1]
        drawn_S = torch.searchsorted(self.until_V, spot_S).clamp(max=len(self.until_V) - 1)
        return drawn_S, (self.log_chance_V[drawn_S] + torch.tensor(float(count)).log()).float()
