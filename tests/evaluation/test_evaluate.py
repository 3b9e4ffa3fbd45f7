from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from attune.columns import AGE_BAND, CUSTOMER_ID, HISTORY_ITEMS, HISTORY_TIMES, LABEL
from attune.evaluation.comparison import Comparison
from attune.evaluation.evaluate import Champion, Contest, Test, evaluate

AS_OF = [datetime(2017, 7, 2, tzinfo=UTC)]


class Scores:
    """Says of everybody what a column says."""

    def __init__(self, column: str):
        self.column = column

    def score(self, examples: pd.DataFrame) -> npt.NDArray[np.float64]:
        return examples[self.column].to_numpy()


class Recommends:
    """Recommends the same items to everybody."""

    def __init__(self, *items: str):
        self.items = items

    def recommend(
        self, examples: pd.DataFrame, k: int, allowed: frozenset[str] | None = None
    ) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.float64]]:
        row = [*self.items, *[None] * k][:k]
        scores = [-float(rank) if item else -np.inf for rank, item in enumerate(row)]
        return np.array([row] * len(examples), dtype=object), np.array([scores] * len(examples))


def churners(count: int = 400) -> Test:
    draw = np.random.default_rng(0)
    label = draw.integers(0, 2, count)
    examples = pd.DataFrame(
        {
            CUSTOMER_ID: [f"c_{number % 300}" for number in range(count)],
            AGE_BAND: draw.choice(["25-34", "35-44"], count),
            "good": np.clip(0.5 + 0.3 * (label - 0.5) + draw.normal(0, 0.1, count), 0, 1),
            "fair": np.clip(0.5 + 0.1 * (label - 0.5) + draw.normal(0, 0.1, count), 0, 1),
            "noise": draw.random(count),
            LABEL: label.astype(np.int8),
        }
    )
    return Test(examples=examples, as_of=AS_OF, seed=1, level=0.9)


def contest(champion: Champion | None = None, **changes: Any) -> Contest:
    values: dict[str, Any] = {
        "model": "churn",
        "kind": "scorer",
        "metric": "roc_auc",
        "network": "churn_network",
        "candidates": {"churn_network": Scores("good"), "logistic_regression": Scores("fair")},
        "champion": champion,
    }
    return Contest(**(values | changes))


def test_everybody_is_measured_on_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    results = evaluate(contest(Champion(3, Scores("noise"))), churners())
    assert (results.test.rows, results.test.customers, results.test.as_of) == (400, 300, AS_OF)
    assert results.champion is not None
    good, fair = results.measured("churn_network").value, results.measured("logistic_regression").value
    noise = results.champion.evaluation.metrics["roc_auc"].value
    assert good is not None
    assert fair is not None
    assert noise is not None
    assert good > fair > noise
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in said] == [
        f"[attune] churn_network: ROC-AUC {good:.4f}",
        f"[attune] logistic_regression: ROC-AUC {fair:.4f}",
        f"[attune] champion, version 3: ROC-AUC {noise:.4f}",
    ]


def test_network_and_simple_models_and_everybody_and_the_champion_are_compared_in_pairs() -> None:
    results = evaluate(contest(Champion(3, Scores("noise"))), churners())
    assert [(found.a, found.b, found.level) for found in results.differences] == [
        ("churn_network", "logistic_regression", 0.9),
        ("churn_network", "version 3", 0.9),
        ("logistic_regression", "version 3", 0.9),
    ]
    good, fair = results.measured("churn_network").value, results.measured("logistic_regression").value
    difference = results.difference("churn_network", "logistic_regression")
    assert good is not None
    assert fair is not None
    assert difference.mean == pytest.approx(good - fair)
    assert difference.low is not None
    assert difference.low > 0


def test_a_champion_that_gives_the_same_answers_differs_by_nothing() -> None:
    results = evaluate(contest(Champion(3, Scores("good"))), churners())
    difference = results.difference("churn_network", "version 3")
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)


def test_a_champion_that_cannot_be_asked_is_not_computed_and_says_why() -> None:
    results = evaluate(contest(Champion(3, None, "it reads other features")), churners())
    assert results.champion is not None
    metrics = results.champion.evaluation.metrics
    assert metrics.keys() == results.candidates["churn_network"].metrics.keys()
    assert {metric.reason for metric in metrics.values()} == {"it reads other features"}
    assert results.difference("churn_network", "version 3").reason == "version 3 could not be measured"


def test_labels_of_one_class_are_not_computed() -> None:
    test = churners()
    test.examples[LABEL] = 1
    results = evaluate(contest(), test)
    assert not results.measured("churn_network").computed
    assert not results.difference("churn_network", "logistic_regression").computed


def test_a_comparison_survives_being_written_and_read() -> None:
    results = evaluate(contest(Champion(3, Scores("noise"))), churners())
    assert Comparison.model_validate_json(results.model_dump_json()) == results


def test_the_same_seed_gives_the_same_comparison() -> None:
    first, again = (evaluate(contest(Champion(3, Scores("noise"))), churners()) for _ in range(2))
    assert first.differences == again.differences
    assert first.candidates["churn_network"].metrics == again.candidates["churn_network"].metrics


def test_recommenders_are_measured_by_what_was_bought() -> None:
    count = 200
    examples = pd.DataFrame(
        {
            CUSTOMER_ID: [f"c_{number}" for number in range(count)],
            HISTORY_ITEMS: [["bread"]] * count,
            HISTORY_TIMES: [[1_498_000_000]] * count,
            LABEL: [["bread", "milk"] if number % 2 else ["bread"] for number in range(count)],
        }
    )
    rivals = {"sequential": Recommends("bread", "milk"), "popularity": Recommends("soap", "bread")}
    results = evaluate(
        contest(
            Champion(1, Recommends("soap")),
            model="recommend",
            kind="recommender",
            metric="ndcg@10",
            network="sequential",
            candidates=rivals,
        ),
        Test(examples=examples, as_of=AS_OF, seed=1, level=0.95),
    )
    assert results.measured("sequential").value == pytest.approx(1.0)
    assert results.champion is not None
    assert results.champion.evaluation.metrics["ndcg@10"].value == 0
    difference = results.difference("sequential", "popularity")
    assert difference.low is not None
    assert difference.low > 0
