"""A scorer that says what each feature added, by integrated gradients from a graph of their own."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from attune.columns import HISTORY_TIMES, MESSAGE_TIMES, PAST_MESSAGES
from attune.inference.files import ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE, open_graph
from attune.inference.scoring import GraphScorer
from attune.inference.session import Graph
from attune.models.base import read_model

_NEAR = 1e-9
_READ_FROM = {"events": HISTORY_TIMES, "messages": MESSAGE_TIMES}  # input of the graph -> feature


class ExplainedScorer(GraphScorer):
    """A network over a table, and the graph that takes its answers apart."""

    _attribution: Graph
    _widths: list[int]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check both graphs on their samples; see `GraphScorer`."""
        scorer = super().open(folder)
        config, _, _ = read_model(folder)
        table = scorer.table
        scorer._attribution = open_graph(folder, ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE)
        scorer._widths = [config["bins"]] * len(table.numeric) + [config["category_dim"]] * len(table.sizes)
        scorer._widths += [config["event_dim"]] * len(scorer._past)
        return scorer

    @cached_property
    def _usual(self) -> float:
        """The log odds of a customer of training medians, with whom nothing ever happened, at any moment."""
        usual = dict.fromkeys(self.table.columns) | {name: [] for name in (HISTORY_TIMES, *PAST_MESSAGES)}
        return float(self._logits(self._arrays([usual], datetime.fromtimestamp(0, UTC)))[0])

    def explain(self, row: Mapping[str, Any], as_of: datetime) -> dict[str, float]:
        """What each feature adds to the probability, against a customer of training medians.

        Integrated gradients in log odds (Sundararajan, Taly and Yan, 2017, arXiv 1703.01365), scaled to the
        difference of the two probabilities, to which they sum but for what the quadrature misses.

        Args:
            row: Feature -> value; None is a missing one.
            as_of: The moment of the values, with a time zone.

        Raises:
            ModelError: A feature is not there, is not a number or is infinite.
        """
        inputs = self._arrays([row], as_of)
        here, there = float(self._logits(inputs)[0]), self._usual
        numbers_1F = inputs["numbers"].clip(-1e30, 1e30).astype(np.float32)
        terms_I, line_F = self._attribution.run(inputs | {"numbers": numbers_1F})
        starts = np.cumsum([0, *self._widths[:-1]])
        terms = np.add.reduceat(terms_I.astype(np.float64), starts)
        terms[: len(line_F)] += line_F
        score, baseline = self._calibration.probabilities(np.array([here, there]))
        apart = here - there
        slope = (score - baseline) / apart if abs(apart) > _NEAR else score * (1 - score)
        names = [*self.table.columns, *(_READ_FROM[name] for name in self._past)]
        return dict(zip(names, (terms * slope).tolist(), strict=True))
