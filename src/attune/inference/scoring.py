"""Scorers that answer from a graph: numpy and ONNX Runtime, nothing of the library that trained them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import EVENT_TIMESTAMP, HISTORY_TIMES
from attune.errors import ModelError
from attune.inference.feature_rows import FeatureRows
from attune.inference.files import open_graph
from attune.inference.order_facts import order_facts
from attune.inference.session import Graph
from attune.models.base import Floats, read_model
from attune.models.calibration import Calibration
from attune.models.tabular import FeatureTable

# N examples, F numeric features, C categorical features, L orders of E facts
Inputs = dict[str, npt.NDArray[Any]]

_LARGEST = 1e30  # what fits single precision


class GraphScorer:
    """Gives each example a probability, as the network does from which its graph was made."""

    def __init__(self, graph: Graph, table: FeatureTable, calibration: Calibration, orders: int) -> None:
        """Take what a version's folder holds.

        Args:
            graph: The network.
            table: Its features.
            calibration: How its log odds become probabilities.
            orders: How many orders its sequence branch sees; 0 without one.
        """
        self.table = table
        self._graph, self._calibration, self._orders = graph, calibration, orders
        self._rows = FeatureRows(table)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check the graph on its samples.

        Raises:
            ModelError: A file is missing, unreadable or not what was exported.
        """
        config, table, _ = read_model(folder)
        graph = open_graph(folder)
        orders = config["events"] if "events" in graph.inputs else 0
        return cls(graph, FeatureTable.parse(table), Calibration.load(folder), orders)

    def score(self, examples: pd.DataFrame) -> Floats:
        """Give the probability of the label for each of N examples, shape [N]."""
        if examples.empty:
            return np.empty(0)
        inputs: Inputs = {"numbers": self.table.numbers(examples), "codes": self.table.codes(examples)}
        if self._orders:
            moments = pd.to_datetime(examples[EVENT_TIMESTAMP], utc=True).dt.as_unit("s").astype("int64")
            inputs["events"] = self._events(examples.to_dict("records"), moments)
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
        if self._orders:
            inputs["events"] = self._events(rows, [int(as_of.timestamp())] * len(rows))
        return inputs

    def _probabilities(self, inputs: Inputs) -> Floats:
        return self._calibration.probabilities(self._logits(inputs))

    def _logits(self, inputs: Inputs) -> Floats:
        numbers_NF = inputs["numbers"].clip(-_LARGEST, _LARGEST).astype(np.float32)
        (logit_N,) = self._graph.run(inputs | {"numbers": numbers_NF})
        return logit_N

    def _events(self, rows: Sequence[Mapping[Any, Any]], moments: Iterable[int]) -> npt.NDArray[np.float32]:
        if HISTORY_TIMES not in rows[0]:
            raise ModelError(
                f"examples lack {HISTORY_TIMES!r}, with which the model was trained; ask for the feature "
                "service that its manifest names"
            )
        pairs = zip((row[HISTORY_TIMES] for row in rows), moments, strict=True)
        return np.stack([order_facts(times, moment, self._orders) for times, moment in pairs])
