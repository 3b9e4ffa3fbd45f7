"""What a customer did, in order, for networks over tables: when there were orders, and how large each was.

Which items were bought stays out: a network that decides about messages is told the rhythm, not the basket.

N examples, B of them in the batch, L orders at most, E facts about an order, D state.
"""

from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from attune.columns import EVENT_TIMESTAMP, HISTORY_TIMES, MESSAGE_TIMES
from attune.errors import ModelError
from attune.models.base import Floats

SequenceBranch = Literal["none", "gru", "transformer"]

ORDERS, MESSAGES = "events", "messages"  # what networks and graphs call the tensors that branches read
READ_FROM = {ORDERS: HISTORY_TIMES, MESSAGES: MESSAGE_TIMES}  # tensor -> the feature that stands for it
FACTS = 4  # that there is an order at all, its age, the pause before it, its lines
_DAY = 86_400
_HEADS = 2


def recent_orders(examples: pd.DataFrame, length: int) -> Floats:
    """The last orders of N customers, oldest first, pushed to the right, shape [N, L, E].

    Lines of one second are one order. Of each order: 1, the logarithms of its age and of the pause before it
    in days, and of its lines; all 0 where there are fewer orders.

    Args:
        examples: With `history_times` (seconds since 1970) and the as-of time; a missing list is empty.
        length: How many orders at most.

    Raises:
        ModelError: A column is missing.
    """
    missing = [name for name in (HISTORY_TIMES, EVENT_TIMESTAMP) if name not in examples.columns]
    if missing:
        raise ModelError(
            f"examples lack {missing} that the model was trained with; ask for the feature service that its "
            "manifest names"
        )
    orders = _orders(examples)
    place = length - 1 - orders.groupby("row").cumcount(ascending=False)
    kept, at = orders[place >= 0], place[place >= 0]
    facts = np.zeros((len(examples), length, FACTS))
    facts[kept["row"], at, 0] = 1.0
    for number, name in enumerate(("age", "pause", "lines"), start=1):
        facts[kept["row"], at, number] = np.log1p(kept[name])
    return facts


def _orders(examples: pd.DataFrame) -> pd.DataFrame:
    """Row, age, pause and lines of every order, by row and time."""
    lists = [times if isinstance(times, list | np.ndarray) else () for times in examples[HISTORY_TIMES]]
    counts = [len(times) for times in lists]
    row = np.repeat(np.arange(len(lists)), counts)
    second = np.concatenate([np.asarray(times, dtype=np.int64) for times in lists] or [np.empty(0, np.int64)])
    lines = pd.DataFrame({"row": row, "second": second}).groupby(["row", "second"]).size()
    orders = lines.rename("lines").reset_index()
    moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True).dt.as_unit("s").astype("int64").to_numpy()
    age = (moments[orders["row"]] - orders["second"]) / _DAY
    pause = orders.groupby("row")["second"].diff().fillna(0) / _DAY
    return orders.assign(age=np.maximum(age, 0.0), pause=pause)


class OrderSequence(nn.Module):
    """Sum up what was last in one state: a GRU, or a transformer whose last place looks back.

    Orders or messages: of each the first fact is 1, and of the places without one all are 0.
    """

    def __init__(
        self, branch: SequenceBranch, dimension: int, dropout: float, length: int, facts: int = FACTS
    ) -> None:
        super().__init__()
        self.branch, self.length, self.facts = branch, length, facts
        self.enter = nn.Linear(facts, dimension)
        if branch == "gru":
            self.gru = nn.GRU(dimension, dimension, batch_first=True)
        else:
            self.as_of = nn.Parameter(torch.zeros(dimension))
            self.block = nn.TransformerEncoderLayer(
                dimension, _HEADS, 2 * dimension, dropout, batch_first=True, norm_first=True
            )
        self.norm = nn.LayerNorm(dimension)

    def forward(self, events_BLE: Tensor) -> Tensor:
        """The state of each customer, shape [B, D]; who never ordered has one too."""
        x_BLD = self.enter(events_BLE)
        if self.branch == "gru":
            state_BD: Tensor = self.gru(x_BLD)[0][:, -1]
        else:
            state_BD = self._attended(x_BLD, events_BLE[:, :, 0] == 0)
        normed_BD: Tensor = self.norm(state_BD)
        return normed_BD

    def _attended(self, x_BLD: Tensor, empty_BL: Tensor) -> Tensor:
        """What a last place for the as-of date, which is never empty, gathers from the orders."""
        as_of_B1D = self.as_of.expand(len(x_BLD), 1, -1)
        nowhere_BL = torch.cat([empty_BL, torch.zeros_like(empty_BL[:, :1])], dim=1)
        seen_BLD: Tensor = self.block(torch.cat([x_BLD, as_of_B1D], dim=1), src_key_padding_mask=nowhere_BL)
        return seen_BLD[:, -1]
