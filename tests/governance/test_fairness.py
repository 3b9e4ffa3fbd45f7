from attune.evaluation.results import Evaluation, Metric, SliceResult
from attune.governance.fairness import FairnessTable, fairness_table


def group(name: str, rows: int, value: float | None, low: float | None = None, high: float | None = None):
    reason = None if value is not None else "one class only"
    return SliceResult(
        slice="age_band", group=name, rows=rows, metric="auc", value=value, low=low, high=high, reason=reason
    )


def table(*groups: SliceResult) -> FairnessTable:
    return fairness_table(
        Evaluation(metrics={"auc": Metric(value=0.8)}, slices=list(groups)), "auc", 0.95, 0.05
    )


def verdicts(*groups: SliceResult) -> dict[str, str]:
    return {row.group: row.verdict for row in table(*groups).rows}


LARGEST = group("25-34", 2000, 0.80, 0.78, 0.82)


def test_groups_are_compared_with_the_largest_and_a_gap_is_seen_not_guessed() -> None:
    assert verdicts(
        LARGEST,
        group("35-44", 900, 0.70, 0.66, 0.74),  # surely lower, and by more than 0.05
        group("45-54", 300, 0.70, 0.62, 0.78),  # lower, but not surely
        group("55-64", 900, 0.77, 0.76, 0.775),  # surely lower, but by less than 0.05
        group("65+", 120, 0.70, 0.55, 0.85),  # a gap of 0.15 would not be seen
        group("under 19", 110, 0.30, 0.20, 0.40),  # a larger one is
        group("19-24", 90, None),
    ) == {
        "25-34": "reference",
        "35-44": "gap",
        "45-54": "perhaps",
        "55-64": "ok",
        "65+": "not enough data",
        "under 19": "gap",
        "19-24": "not enough data",
    }


def test_an_interval_of_a_gap_is_made_of_those_of_both_groups() -> None:
    row = table(LARGEST, group("35-44", 900, 0.70, 0.66, 0.74)).rows[1]
    assert row.gap is not None
    assert row.gap_low is not None
    assert row.gap_high is not None
    assert [round(end, 4) for end in (row.gap, row.gap_low, row.gap_high)] == [0.1, 0.0553, 0.1447]


def test_the_more_groups_are_compared_the_surer_each_gap_has_to_be() -> None:
    barely = group("35-44", 900, 0.74, 0.69, 0.79)
    assert verdicts(LARGEST, barely)["35-44"] == "gap"
    others = [group(f"group {number}", 900, 0.8, 0.75, 0.85) for number in range(10)]
    assert verdicts(LARGEST, barely, *others)["35-44"] == "perhaps"


def test_without_a_second_group_that_was_measured_nothing_is_judged() -> None:
    assert verdicts(group("25-34", 20, None)) == {"25-34": "not enough data"}
    assert table(LARGEST, group("35-44", 20, None)).compared == []


def test_a_table_that_was_made_before_gaps_had_intervals_is_still_read() -> None:
    older = table(LARGEST).model_dump(mode="json", exclude={"telling"})
    for row in older["rows"]:
        del row["gap_low"], row["gap_high"]
    assert FairnessTable.model_validate(older).telling is None
