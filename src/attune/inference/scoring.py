"""Scorers that answer from a graph: numpy and ONNX Runtime, nothing of the library that trained them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import EVENT_TIMESTAMP
from attune.inference.feature_rows import FeatureRows
from attune.inference.files import open_graph
from attune.inference.order_facts import PastOrders
from attune.inference.session import Graph
from attune.models.base import Floats, read_model
from attune.models.calibration import Calibration
from attune.models.past_messages import PastMessages
from attune.models.tabular import FeatureTable

# N examples, F numeric features, C categorical features, L orders or messages of E facts
Inputs = dict[str, npt.NDArray[Any]]

_LARGEST = 1e30  # what fits single precision


class PastEvents(Protocol):
    """Reads what a sequence branch sees."""

    def read(self, rows: Sequence[Mapping[Any, Any]], moments: Sequence[int]) -> npt.NDArray[np.float32]:
        """The last events of N customers as of moments (unix seconds), shape [N, L, E]."""


class GraphScorer:
    """Gives each example a probability, as the network does from which its graph was made."""

    def __init__(
        self, graph: Graph, table: FeatureTable, calibration: Calibration, past: Mapping[str, PastEvents]
    ) -> None:
        """Take what a version's folder holds.

        Args:
            graph: The network.
            table: Its features.
            calibration: How its log odds become probabilities.
            past: Input of the graph -> who reads it, of each sequence branch.
        """
        self.table = table
        self._graph, self._calibration, self._past = graph, calibration, past
        self._rows = FeatureRows(table)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check the graph on its samples.

        Raises:
            ModelError: A file is missing, unreadable or not what was exported.
        """
        config, columns, _ = read_model(folder)
        graph, table = open_graph(folder), FeatureTable.parse(columns)
        past: dict[str, PastEvents] = {}
        if "events" in graph.inputs:
            past["events"] = PastOrders(config["events"])
        if "messages" in graph.inputs:
            past["messages"] = PastMessages(table, config["past_messages"])
        return cls(graph, table, Calibration.load(folder), past)

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of the label for each of N examples, shape [N]."""
        if examples.empty:
            return np.empty(0)
        inputs: Inputs = {"numbers": self.table.numbers(examples), "codes": self.table.codes(examples)}
        if self._past:
            moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True).dt.as_unit("s").astype("int64")
            inputs |= self._events(examples.to_dict("records"), moments.tolist())
        return self._probabilities(inputs)

    def score_rows(self, rows: Sequence[Mapping[str, Any]], as_of: datetime) -> Floats:
        """The probabilities of N customers, or of one in N circumstances, without a table's cost.

        Args:
            rows: Feature -> value, as an online store gives them; None is a missing one.
            as_of: The moment of all of them, with a time zone.

        Raises:
            ModelError: A feature is not there, is not a number or is infinite.
        """
        return self._probabilities(self._arrays(rows, as_of)) if rows else np.empty(0)

    def _arrays(self, rows: Sequence[Mapping[str, Any]], as_of: datetime) -> Inputs:
        numbers_NF, codes_NC = self._rows.arrays(rows)
        inputs: Inputs = {"numbers": numbers_NF, "codes": codes_NC}
        return inputs | self._events(rows, [int(as_of.timestamp())] * len(rows))

    def _probabilities(self, inputs: Inputs) -> Floats:
        logit_N = self._logits(inputs)
        if len(logit_N) == 1:
            return np.array([self._calibration.probability(float(logit_N[0]))])
        return self._calibration.probabilities(logit_N)

    def _logits(self, inputs: Inputs) -> Floats:
        (logit_N,) = self._graph.run(single(inputs))
        return logit_N

    def _events(self, rows: Sequence[Mapping[Any, Any]], moments: Sequence[int]) -> Inputs:
        return {name: past.read(rows, moments) for name, past in self._past.items()}


def single(inputs: Inputs) -> Inputs:
    """Arrays as a graph reads them: numbers in single precision."""
    return inputs | {"numbers": inputs["numbers"].clip(-_LARGEST, _LARGEST).astype(np.float32)}
