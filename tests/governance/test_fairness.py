from attune.evaluation.results import Evaluation, Metric, SliceResult
from attune.governance.fairness import fairness_table


def group(name: str, rows: int, value: float | None, low: float | None = None, high: float | None = None):
    reason = None if value is not None else "one class only"
    return SliceResult(
        slice="age_band", group=name, rows=rows, metric="auc", value=value, low=low, high=high, reason=reason
    )


def verdicts(*groups: SliceResult) -> dict[str, str]:
    evaluation = Evaluation(metrics={"auc": Metric(value=0.8)}, slices=list(groups))
    return {row.group: row.verdict for row in fairness_table(evaluation, "auc", 500, 0.05).rows}


def test_groups_are_compared_with_the_largest_and_a_gap_is_seen_not_guessed() -> None:
    assert verdicts(
        group("25-34", 2000, 0.80, 0.78, 0.82),
        group("35-44", 900, 0.70, 0.66, 0.74),  # surely lower, and by more than 0.05
        group("45-54", 900, 0.70, 0.60, 0.80),  # lower, but not surely
        group("55-64", 900, 0.77, 0.76, 0.775),  # surely lower, but by less than 0.05
        group("65+", 499, 0.10, 0.05, 0.15),  # too few to say
        group("19-24", 900, None),
    ) == {
        "25-34": "reference",
        "35-44": "gap",
        "45-54": "ok",
        "55-64": "ok",
        "65+": "not enough data",
        "19-24": "not enough data",
    }


def test_without_a_group_that_is_large_enough_nothing_is_judged() -> None:
    assert verdicts(group("25-34", 20, 0.8, 0.7, 0.9)) == {"25-34": "not enough data"}
