from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from attune.columns import DEMOGRAPHICS
from attune.drift.monitor import Monitor
from attune.drift.reference import ReferenceProfile
from attune.drift.verdicts import Subject
from attune.drift.watch import Side
from attune.drift.windows import Rows

JULY = datetime(2017, 7, 2, tzinfo=UTC)
OCTOBER = datetime(2017, 10, 1, tzinfo=UTC)
TWENTY = Monitor(
    feature_service="churn_v1", not_watched=dict.fromkeys(DEMOGRAPHICS, "the test is about numbers")
)


@pytest.fixture
def monitor() -> Monitor:
    """Twenty features, all numbers."""
    return TWENTY


@pytest.fixture
def subject() -> Subject:
    return Subject(model="churn", version=3, feature_service="churn_v1", now=OCTOBER)


@pytest.fixture
def sample() -> Callable[[int, int], pd.DataFrame]:
    """Draw customers whose twenty features are all alike: mean 0.5, deviation 0.05."""

    def draw(rows: int, seed: int) -> pd.DataFrame:
        values = np.random.default_rng(seed).normal(0.5, 0.05, size=(rows, 20))
        return pd.DataFrame(values.clip(0, 1), columns=[feature.name for feature in TWENTY.watched()])

    return draw


@pytest.fixture
def reference(sample: Callable[[int, int], pd.DataFrame]) -> Side[ReferenceProfile]:
    return Side(ReferenceProfile.of(sample(5000, 0)), JULY, JULY)


@pytest.fixture
def current(sample: Callable[[int, int], pd.DataFrame]) -> Rows:
    return Rows(sample(2000, 1), OCTOBER, OCTOBER)
