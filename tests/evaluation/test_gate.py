from typing import Any

import pytest
from pydantic import ValidationError

from attune.errors import ConfigError
from attune.evaluation.comparison import ChampionResult, Comparison, TestRows
from attune.evaluation.gate import GateRules, decide
from attune.evaluation.results import Difference, Evaluation, Metric, SliceResult

RULES = GateRules(metric="ndcg@10", margin=0.0, level=0.95, min_rows=200, max_slice_loss=0.05)
Ends = tuple[float, float]


def evaluation(value: float | None, young: float | None = None, rows: int = 300) -> Evaluation:
    metric = Metric.not_computed("single class") if value is None else Metric(value=value)
    slices = []
    if young is not None:
        slices = [SliceResult(slice="age_band", group="19-24", rows=rows, metric="ndcg@10", value=young)]
    return Evaluation(metrics={"ndcg@10": metric}, slices=slices)


def finding(value: float, old: float, young: float, rows: int = 300) -> Evaluation:
    """A model of this value that finds so many of the old, who are more, and of the young."""
    rates = [
        SliceResult(slice="age_band", group=group, rows=size, metric="true_positive_rate", value=found)
        for group, size, found in (("45-54", 600, old), ("19-24", rows, young))
    ]
    return Evaluation(metrics={"ndcg@10": Metric(value=value)}, slices=rates)


def difference(a: str, b: str, mean: float | None, ends: Ends | None) -> Difference:
    low, high = ends or (None, None)
    reason = None if ends else "too few rows"
    return Difference(a=a, b=b, metric="ndcg@10", mean=mean, low=low, high=high, level=0.95, reason=reason)


def comparison(
    network: float | None = 0.21,
    frequency: float | None = 0.20,
    popularity: float | None = 0.10,
    champion: Evaluation | None = None,
    over_frequency: Ends | None = (0.001, 0.02),
    over_champion: Ends | None = (0.001, 0.02),
    rows: int = 1000,
    young: float | None = None,
) -> Comparison:
    values = {"sequential": network, "popularity": popularity, "personal_frequency": frequency}
    candidates = {name: evaluation(value, young) for name, value in values.items()}
    ours = ChampionResult(version=1, evaluation=champion) if champion else None
    return Comparison(
        model="recommend",
        kind="recommender",
        metric="ndcg@10",
        network="sequential",
        test=TestRows(rows=rows, customers=rows, as_of=[]),
        candidates=candidates,
        champion=ours,
        differences=[
            difference("sequential", "personal_frequency", 0.01, over_frequency),
            difference("sequential", "popularity", 0.11, (0.1, 0.12)),
            *(difference(name, "version 1", 0.005, over_champion) for name in candidates),
        ],
    )


CASES: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "the first model that can be measured is promoted",
        {},
        "promoted",
        "sequential",
        "promoted sequential: there was no champion, and its NDCG@10 is 0.2100. sequential beats the best "
        "simple model, personal_frequency: its NDCG@10 is 0.2100 against 0.2000, difference +0.0100 "
        "(+0.0010 to +0.0200).",
    ),
    (
        "a network that does not surely beat the best simple model leaves it the challenge",
        {"over_frequency": (-0.001, 0.02)},
        "promoted",
        "personal_frequency",
        "promoted personal_frequency: there was no champion, and its NDCG@10 is 0.2000. personal_frequency "
        "is the challenger, for the network does not surely beat it: its NDCG@10 is 0.2100 against 0.2000, "
        "difference +0.0100 (-0.0010 to +0.0200).",
    ),
    (
        "a surely better challenger replaces the champion",
        {"champion": evaluation(0.205)},
        "promoted",
        "sequential",
        "promoted sequential over version 1: its NDCG@10 is 0.2100 against 0.2050, difference +0.0050",
    ),
    (
        "a challenger that may be no better is not promoted",
        {"champion": evaluation(0.204), "over_champion": (-0.0031, 0.0013)},
        "kept",
        "sequential",
        "kept version 1: the challenger's NDCG@10 is 0.2100 against 0.2040, difference +0.0050 "
        "(-0.0031 to +0.0013).",
    ),
    (
        "a difference of exactly the margin is not above it",
        {"champion": evaluation(0.204), "over_champion": (0.0, 0.01)},
        "kept",
        "sequential",
        "kept version 1",
    ),
    (
        "a slice that loses much blocks, however good the whole",
        {"champion": evaluation(0.2, young=0.25), "young": 0.19},
        "kept",
        "sequential",
        "kept version 1: sequential is better on the whole, but for age_band 19-24 (300 rows) its NDCG@10 "
        "falls from 0.2500 to 0.1900, by more than 0.05.",
    ),
    (
        "a slice that loses little does not block",
        {"champion": evaluation(0.2, young=0.23), "young": 0.19},
        "promoted",
        "sequential",
        "promoted sequential over version 1",
    ),
    (
        "a slice of few rows does not block",
        {"champion": evaluation(0.2, young=0.9, rows=199), "young": 0.1},
        "promoted",
        "sequential",
        "promoted sequential over version 1",
    ),
    (
        "too few test rows never promote",
        {"rows": 199},
        "kept",
        "sequential",
        "kept recommend without a champion: 199 test rows are too few to judge by, at least 200 are needed.",
    ),
    (
        "a network that could not be measured leaves the challenge to a simple model",
        {"network": None},
        "promoted",
        "personal_frequency",
        "sequential could not be measured: single class.",
    ),
    (
        "nothing that could be measured is nothing that can be promoted",
        {"network": None, "frequency": None, "popularity": None},
        "kept",
        "sequential",
        "kept recommend without a champion: the NDCG@10 of sequential was not computed (single class). No "
        "simple model could be compared with sequential.",
    ),
    (
        "without a simple model the network challenges",
        {"frequency": None, "popularity": None},
        "promoted",
        "sequential",
        "No simple model could be compared with sequential.",
    ),
    (
        "a champion that cannot be measured is not replaced by rule",
        {"champion": evaluation(None)},
        "kept",
        "sequential",
        "kept version 1: version 1 could not be measured on these rows (single class): a person must decide.",
    ),
    (
        "a difference that was not computed never promotes",
        {"champion": evaluation(0.1), "over_champion": None},
        "kept",
        "sequential",
        "kept version 1: the challenger's NDCG@10 is 0.2100 against 0.1000, and the difference was not "
        "computed (too few rows).",
    ),
]


@pytest.mark.parametrize(
    ("given", "verdict", "candidate", "said"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_gate(given: dict[str, Any], verdict: str, candidate: str, said: str) -> None:
    decision = decide(comparison(**given), RULES)
    assert (decision.verdict, decision.candidate) == (verdict, candidate)
    assert said in decision.reason


def test_a_margin_asks_for_more_than_nothing() -> None:
    results = comparison(
        champion=evaluation(0.204), over_champion=(0.004, 0.01), over_frequency=(0.006, 0.01)
    )
    assert decide(results, RULES).verdict == "promoted"
    strict = RULES.model_copy(update={"margin": 0.005})
    assert decide(results, strict).verdict == "kept"


def test_rules_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ConfigError, match="marge"):
        GateRules.parse({"metric": "roc_auc", "marge": 0.1})


def test_a_comparison_without_the_deciding_metric_is_refused() -> None:
    results = comparison()
    with pytest.raises(ValidationError, match="roc_auc decides, but was not measured"):
        Comparison.model_validate(results.model_dump() | {"metric": "roc_auc"})


@pytest.mark.parametrize(
    ("before", "after", "rows", "verdict"),
    [
        ((0.6, 0.6), (0.6, 0.42), 300, "kept"),  # 0.70 of the largest group
        ((0.6, 0.6), (0.6, 0.49), 300, "promoted"),  # 0.82
        ((0.6, 0.42), (0.6, 0.42), 300, "promoted"),  # no worse than what serves
        ((0.6, 0.45), (0.6, 0.36), 300, "kept"),  # bad before, and worse now
        ((0.6, 0.6), (0.6, 0.42), 199, "promoted"),  # too few to judge by
    ],
)
def test_a_group_that_is_found_too_seldom_blocks_unless_it_was_so_before(
    before: Ends, after: Ends, rows: int, verdict: str
):
    results = comparison(champion=finding(0.2, *before, rows))
    candidates = {**results.candidates, "sequential": finding(0.21, *after, rows)}
    decision = decide(results.model_copy(update={"candidates": candidates}), RULES)
    assert decision.verdict == verdict
    if verdict == "kept":
        assert "finds age_band 19-24 only" in decision.reason
