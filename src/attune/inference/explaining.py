"""A scorer that says what each feature added, by integrated gradients from a graph of their own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy.typing as npt

from attune.columns import HISTORY_TIMES, MESSAGE_TIMES, PAST_MESSAGES
from attune.errors import ModelError
from attune.inference.files import ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE, open_graph
from attune.inference.quadrature import POINTS, quadrature
from attune.inference.scoring import GraphScorer, Inputs, single
from attune.inference.session import Graph

COMPLETE = 1e-3  # the terms sum to the difference of two probabilities within this, or more points are asked
_NEAR = 1e-9
_TERMS_OF_EXAMPLES = 2  # dimensions of what the graph gives
_READ_FROM = {"events": HISTORY_TIMES, "messages": MESSAGE_TIMES}  # input of the graph -> feature


class ExplainedScorer(GraphScorer):
    """A network over a table, and the graph that takes its answers apart."""

    _attribution: Graph

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read what a version's folder holds, and check both graphs on their samples; see `GraphScorer`."""
        scorer = super().open(folder)
        scorer._attribution = open_graph(folder, ATTRIBUTION_FILE, ATTRIBUTION_SAMPLE_FILE)
        (terms, *_) = scorer._attribution.interface()["outputs"]
        if len(terms["shape"]) != _TERMS_OF_EXAMPLES:
            raise ModelError(f"{folder / ATTRIBUTION_FILE} is of an older Attune; train and register again")
        return scorer

    @cached_property
    def _names(self) -> list[str]:
        return [*self.table.columns, *(_READ_FROM[name] for name in self._past)]

    @cached_property
    def _usual(self) -> float:
        """The log odds of a customer of training medians, with whom nothing ever happened, at any moment."""
        usual = dict.fromkeys(self.table.columns) | {name: [] for name in (HISTORY_TIMES, *PAST_MESSAGES)}
        return float(self._logits(self._arrays([usual], datetime.fromtimestamp(0, UTC)))[0])

    def score_and_explain(
        self, rows: Sequence[Mapping[str, Any]], as_of: datetime
    ) -> list[tuple[float, dict[str, float]]]:
        """The probability of each of N customers, and what each feature adds against training medians.

        Integrated gradients in log odds (Sundararajan, Taly and Yan, 2017, arXiv 1703.01365), scaled to the
        difference of the two probabilities, to which they sum within `COMPLETE`, or as nearly as
        the most points come.

        Args:
            rows: Feature -> value of each; None is a missing one.
            as_of: The moment of the values, with a time zone.

        Raises:
            ModelError: A feature is not there, is not a number or is infinite.
        """
        inputs = single(self._arrays(rows, as_of))
        found: dict[int, tuple[float, dict[str, float]]] = {}
        left = list(range(len(rows)))
        for count in POINTS:
            terms_BN, logit_B = self._terms({name: values[left] for name, values in inputs.items()}, count)
            missed = []
            for place, terms_N, logit in zip(left, terms_BN, logit_B.tolist(), strict=True):
                score, slope, apart = self._scaled(logit)
                found[place] = score, dict(zip(self._names, (terms_N * slope).tolist(), strict=True))
                if abs(float(terms_N.sum()) - apart) * slope > COMPLETE:
                    missed.append(place)
            if not (left := missed):
                break
        return [found[place] for place in range(len(rows))]

    def _terms(self, inputs: Inputs, count: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """What each feature of B customers adds to the log odds, shape [B, N], and those, shape [B]."""
        points, weights = quadrature(count)
        terms_BN, logit_X = self._attribution.run(inputs | {"points": points, "weights": weights})
        return terms_BN, logit_X.reshape(len(terms_BN), -1)[:, -1]

    def _scaled(self, here: float) -> tuple[float, float, float]:
        """The probability of log odds, what a step in them is worth, and how far from usual they are."""
        there, score = self._usual, self._calibration.probability(here)
        apart = here - there
        if abs(apart) <= _NEAR:
            return score, score * (1 - score), apart
        return score, (score - self._calibration.probability(there)) / apart, apart
