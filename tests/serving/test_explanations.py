from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np

from attune.models.base import Floats
from serving.explanations import explained_scores
from tests.serving.conftest import NOW

VALUES = {"orders_90d": 4, "recency_days": 0.0, "age_band": "unknown"}


class Counts:
    """Scores by orders alone."""

    def score_rows(self, rows: Sequence[Mapping[str, Any]], as_of: datetime) -> Floats:
        return np.array([row["orders_90d"] / 10 for row in rows])


class Speaks(Counts):
    """The same, and says why."""

    def score_and_explain(
        self, rows: Sequence[Mapping[str, Any]], as_of: datetime
    ) -> list[tuple[float, Mapping[str, float]]]:
        return [(0.4, {"age_band": 0.1, "orders_90d": -0.3}) for _ in rows]


def reasons(model: object) -> list[tuple[str, float]]:
    version: Any = SimpleNamespace(model=model, service="churn_v1")
    ((score, why),) = explained_scores(version, [VALUES], NOW)
    assert score == 0.4
    return [(each.name, each.contribution) for each in why]


def test_what_is_left_out_tells_what_it_added():
    # Only what differs from somebody of whom nothing is known can have added anything.
    assert reasons(Counts()) == [("orders_90d", 0.4)]


def test_a_model_that_says_why_is_believed():
    assert reasons(Speaks()) == [("orders_90d", -0.3), ("age_band", 0.1)]
