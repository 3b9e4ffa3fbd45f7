"""Which past items moved a score: "because you bought ..." without reading attention weights.

The score of an item is followed back to the embedding of each interaction before it: the slope there, times
the embedding itself (Shrikumar and others, 2016, arXiv 1605.01713), says to first order what the score would
lose without it. Attention weights do not say that (Jain and Wallace, 2019, arXiv 1902.10186).
"""

# B examples, L places of the longest window

from collections.abc import Sequence

import pandas as pd
import torch

from attune.errors import ModelError
from attune.models.history import UNKNOWN_ITEM, read_histories
from attune.models.next_item import NextItem


def because(network: NextItem, examples: pd.DataFrame, recommended: Sequence[str]) -> list[dict[str, float]]:
    """Say for each example which items of its history moved the score of one item.

    Args:
        network: Trained.
        examples: N rows with the history columns.
        recommended: The item that is asked about, for each of them.

    Returns:
        For each example, its past items that the network still reads and what each added to the score,
        largest first; what was bought several times is added up. Empty for an empty history.

    Raises:
        ModelError: An item is not in the catalogue.
    """
    wanted = network.items.codes(recommended)
    if (wanted == UNKNOWN_ITEM).any():
        unknown = [item for item, code in zip(recommended, wanted, strict=True) if code == UNKNOWN_ITEM]
        raise ModelError(f"{unknown[:3]} are not in the catalogue; ask about items that were recommended")
    network.eval()
    batch = network.ends(read_histories(examples, network.items.codes))
    item_BLD = network.embedded(network.item_VD[batch["code"]]).detach().requires_grad_()
    state_BD = network.state(item_BLD, batch)
    score = (state_BD * network.item_VD[torch.from_numpy(wanted)].detach()).sum()
    slope_BLD = torch.autograd.grad(score, item_BLD)[0]
    added_BL = (slope_BLD * item_BLD).sum(dim=2).detach()
    return [
        _added_up(network.items.ids[code_L[real_L].numpy()], added_L[real_L].tolist())
        for code_L, real_L, added_L in zip(batch["code"], batch["real"], added_BL, strict=True)
    ]


def _added_up(items: Sequence[str], added: Sequence[float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for item, value in zip(items, added, strict=True):
        total[item] = total.get(item, 0.0) + value
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))
