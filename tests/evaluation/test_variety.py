import numpy as np
import pandas as pd
import pytest

from attune.evaluation.variety import (
    ItemFacts,
    coverage,
    diversity,
    exposure,
    item_facts,
    miscalibration,
    novelty,
    popularity_bias,
)
from tests.evaluation.lists import lists

KIND = pd.Series({"bread": "food", "milk": "food", "soap": "home", "sponge": "home"})
FACTS = ItemFacts(pd.Series({"bread": 8, "milk": 2, "soap": 1, "sponge": 1}), 8, KIND)


def test_coverage_is_the_share_of_the_items_that_the_examples_know():
    table = pd.DataFrame({"history_items": [["bread", "milk"]], "label": [["tea", "rice"]]})
    assert coverage(lists("milk tea unheard-of"), table) == 0.5


def test_the_facts_count_each_customer_once():
    train = pd.DataFrame(
        {
            "customer_id": ["ann", "bob"],
            "event_timestamp": pd.Timestamp("2017-06-04", tz="UTC"),
            "history_items": [["bread", "bread"], ["milk"]],
            "history_times": [[1, 2], [3]],
            "label": [["milk"], []],
        }
    )
    facts = item_facts(train, KIND)
    assert facts.buyers.to_dict() == {"milk": 2, "bread": 1}
    assert facts.customers == 2


def test_novelty_is_the_information_in_bits_and_unheard_of_items_count_as_bought_once():
    found = novelty(lists("bread milk", "unheard-of", ""), FACTS)
    np.testing.assert_allclose(found, [(0 + 2) / 2, 3.0, np.nan])


def test_popularity_is_a_percentile_and_ties_share_a_place():
    found = popularity_bias(lists("bread", "milk", "soap sponge", "unheard-of", ""), FACTS)
    np.testing.assert_allclose(found, [1.0, 0.75, 1.5 / 4, 0.0, np.nan])


def test_diversity_is_the_share_of_pairs_of_different_categories():
    found = diversity(lists("bread milk soap", "bread milk", "bread soap unheard-of", "bread"), KIND)
    np.testing.assert_allclose(found, [2 / 3, 0.0, 1.0, np.nan])


def test_lists_with_the_categories_of_the_history_are_calibrated():
    histories = [["bread", "soap"], ["milk", "milk"], None, ["bread"]]
    found = miscalibration(lists("milk sponge", "soap", "bread", ""), histories, KIND)
    np.testing.assert_allclose(found, [0.0, np.log(1 / 0.01), np.nan, np.nan], atol=1e-12)


def test_calibration_is_the_divergence_written_down():
    found = miscalibration(lists("milk soap sponge"), [["bread", "bread", "milk", "soap"]], KIND)
    wanted, shown = np.array([3 / 4, 1 / 4]), np.array([1 / 3, 2 / 3])
    mixed = 0.99 * shown + 0.01 * wanted
    assert found[0] == pytest.approx((wanted * np.log(wanted / mixed)).sum())


def test_exposure_falls_with_the_rank_and_stands_beside_what_is_bought_and_what_there_is():
    food, home = exposure(lists("bread soap unheard-of", k=3), [["bread"], ["milk"], ["soap"]], KIND)
    second = 1 / np.log2(3)
    assert food.exposure == pytest.approx(1 / (1 + second))
    assert (home.group, home.exposure) == ("home", pytest.approx(second / (1 + second)))
    assert (food.bought, food.items) == (pytest.approx(2 / 3), 0.5)


def test_nothing_shown_and_no_category_known_is_no_error():
    nothing = pd.Series(dtype=object)
    assert np.isnan(diversity(lists("", "bread milk"), nothing)).all()
    assert exposure(lists(""), [[]], nothing) == []
