import numpy as np
import pandas as pd
import pytest

from attune.evaluation.analysis import Analysis, analyse


def examples(rows: int, seed: int, wrong: str | None = None) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers who do as their score says, but for those of one age band, who do not heed it."""
    draw = np.random.default_rng(seed)
    scores = draw.uniform(0.05, 0.95, rows)
    table = pd.DataFrame(
        {
            "customer_id": [f"secret-{number}" for number in range(rows)],
            "event_timestamp": pd.Timestamp("2017-06-04", tz="UTC"),
            "age_band": draw.choice(["25-34", "35-44", "65+"], rows, p=[0.5, 0.4, 0.1]),
            "tenure_days": draw.choice([10.0, 400.0], rows),
            "label": (draw.random(rows) < scores).astype(np.int8),
        }
    )
    if wrong:
        heedless = (table["age_band"] == wrong).to_numpy()
        table.loc[heedless, "label"] = (draw.random(heedless.sum()) < 0.5).astype(np.int8)
    return table, scores


@pytest.fixture(scope="module")
def found() -> Analysis:
    return analyse(examples(1500, 1), examples(2000, 2, wrong="35-44"))


def test_a_threshold_is_chosen_on_one_part_and_measured_on_the_other(found):
    assert 0.2 < found.threshold < 0.6
    assert found.held_out_rows == 1500
    assert found.decisions.keys() == {"accuracy", "precision", "recall", "f1"}
    for metric in found.decisions.values():
        assert metric.low < metric.value < metric.high


def test_rates_of_groups_have_intervals_and_small_groups_none():
    rates = analyse(examples(1500, 1), examples(900, 2)).rates["age_band"].rates
    assert {rate.group for rate in rates} == {"25-34", "35-44", "65+"}
    large = next(rate for rate in rates if (rate.metric, rate.group) == ("selection_rate", "25-34"))
    assert large.low < large.value < large.high
    small = next(rate for rate in rates if (rate.metric, rate.group) == ("selection_rate", "65+"))
    assert (small.value, small.reason) == (None, "not enough data")


def test_sets_keep_their_promise_where_the_future_is_like_the_past(found):
    coverage = {each.group: each for each in found.covered}
    assert next(iter(coverage)) == "everybody"
    assert found.sets.coverage == 0.9
    assert found.sets_by == "age_band"
    assert coverage["25-34"].coverage.value == pytest.approx(0.9, abs=0.04)
    assert coverage["35-44"].coverage.high < 0.9  # and where it is not, that shows
    assert 1 < coverage["everybody"].mean_size < 2


def test_the_group_that_the_model_does_not_know_is_the_worst(found):
    worst = found.worst[0]
    assert (worst.slice, worst.group) == ("age_band", "35-44")
    assert worst.excess.low > 0
    values = [each.excess.value for each in found.worst]
    assert values == sorted(values, reverse=True)


def test_the_surest_mistakes_come_first_and_name_nobody(found):
    first, last = found.mistakes[0], found.mistakes[-1]
    assert len(found.mistakes) == 10
    assert abs(first.score - first.label) > abs(last.score - last.label) > 0.5
    assert first.groups["age_band"] == "35-44"
    assert "secret" not in found.model_dump_json()


def test_a_group_of_few_customers_is_not_named():
    (held_out, scores), (table, said) = examples(1500, 1), examples(500, 2)
    table["age_band"] = ["75+"] * 5 + ["25-34"] * 495
    said[:5], table.loc[:4, "label"] = 0.99, 0
    assert {"age_band": "75+"} not in [
        each.groups for each in analyse((held_out, scores), (table, said)).mistakes
    ]
    assert "75+" not in str(analyse((held_out, scores), (table, said)).mistakes)


def test_a_threshold_for_each_group_is_weighed_in_words(found):
    assert "one threshold for each of 3 groups" in found.remedies["age_band"]
    assert "F1 from" in found.remedies["age_band"]


@pytest.mark.parametrize(("held_out", "test"), [(90, 900), (900, 90)])
def test_too_few_rows_say_why_nothing_was_computed(held_out, test):
    found = analyse(examples(held_out, 1), examples(test, 2))
    assert found.reason == "90 rows, fewer than the 100 needed"
    assert (found.threshold, found.sets, found.covered) == (None, None, [])


def test_without_attributes_everybody_is_one_group():
    parts = [
        (table.drop(columns="age_band"), scores) for table, scores in (examples(500, 1), examples(500, 2))
    ]
    found = analyse(*parts)
    assert (found.rates, found.sets_by) == ({}, None)
    assert [each.group for each in found.covered] == ["everybody"]
