from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, LABEL, SCORE
from attune.evaluation.reference import reference_rows


class Spender:
    """Scores by spend."""

    def score(self, examples: pd.DataFrame) -> Any:
        return examples["spend_7d"].to_numpy() / 100


@pytest.fixture
def train(tmp_path: Path) -> Path:
    rows = pd.DataFrame(
        {
            CUSTOMER_ID: [f"c_{n}" for n in range(100)],
            EVENT_TIMESTAMP: pd.Timestamp("2017-06-04", tz="UTC"),
            "spend_7d": np.arange(100.0),
            "age_band": "unknown",
            "history_items": [["bread"]] * 100,
            LABEL: 0,
        }
    )
    rows.to_parquet(tmp_path / "train.parquet")
    return tmp_path / "train.parquet"


def test_a_reference_holds_features_and_scores_but_neither_customers_nor_labels_nor_lists(
    train: Path,
) -> None:
    reference = reference_rows(train, Spender(), "scorer", seed=1)
    assert list(reference) == ["spend_7d", "age_band", SCORE]
    assert len(reference) == 100
    assert (reference[SCORE] == reference["spend_7d"] / 100).all()


def test_a_recommender_has_no_score(train: Path) -> None:
    assert list(reference_rows(train, None, "recommender", seed=1)) == ["spend_7d", "age_band"]


def test_the_same_seed_draws_the_same_rows(train: Path) -> None:
    first, again, other = (reference_rows(train, Spender(), "scorer", seed, rows=10) for seed in (1, 1, 2))
    assert len(first) == 10
    assert first["spend_7d"].nunique() == 10
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
