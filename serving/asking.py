"""Asking a scorer: by plain rows where it takes them, by a table where it does not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from attune import columns as c
from attune.models.base import Floats, fulfils
from serving.champions import Champion
from serving.problems import Problem
from serving.traces import part

Row = Mapping[str, Any]


@runtime_checkable
class ScoresRows(Protocol):
    """A scorer that needs no table."""

    def score_rows(self, rows: Sequence[Row], as_of: datetime) -> Floats:
        """The probabilities of N rows as of one moment, shape [N]."""


@runtime_checkable
class ComparesItems(Protocol):
    """A recommender that knows which items are alike."""

    def similar(
        self, item: str, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[list[str], list[float]]:
        """The k items most like one, most alike first, and how alike they are."""


def table(rows: Sequence[Row], as_of: datetime) -> pd.DataFrame:
    """Rows as of one moment as the models know them."""
    times = pd.DatetimeIndex([as_of] * len(rows)).as_unit("us")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return pd.DataFrame({c.EVENT_TIMESTAMP: times} | columns)


def probabilities(version: Champion, rows: Sequence[Row], as_of: datetime) -> Floats:
    """The probabilities of N rows, shape [N], N >= 1.

    Args:
        version: A scorer.
        rows: Feature -> value, the same features in each.
        as_of: The moment of all of them.

    Raises:
        Problem: What the version gave are none (500).
    """
    model = version.model
    by_rows = fulfils(model.__class__, ScoresRows)
    with part("score"):
        scores: Floats = model.score_rows(rows, as_of) if by_rows else model.score(table(rows, as_of))
    if not all(0 <= score <= 1 for score in scores.tolist()):  # NaN is neither
        raise unsound()
    return scores


def unsound() -> Problem:
    """The problem of a model that gave what is no probability."""
    return Problem(500, "unsound-answer", "the model gave no probability; nothing is answered")
