import numpy as np
import pytest

from attune.models.catalog import build
from attune.models.next_basket import order_weights
from tests.models.shopping import best, shopping


def fitted(*sentences, **params):
    train = shopping(*sentences)
    model = build("next_basket", {"own_parts": (0.5,), "nearest": 2} | params)
    model.fit(train, train)
    return model


def test_the_latest_group_is_full_and_older_ones_weigh_less():
    # Five orders of one customer in groups of two, from the newest: {5, 4}, {3, 2} and {1}.
    found = order_weights(np.zeros(5, dtype=int), np.arange(5), 2, order_decay=0.5, group_decay=0.1)
    np.testing.assert_allclose(found, np.array([0.01, 0.1 / 4, 0.1 / 2, 1 / 4, 1 / 2]) / 3, rtol=1e-6)


def test_each_customer_has_groups_of_its_own_and_an_order_may_hold_several_items():
    customer, order = np.array([0, 0, 1]), np.array([0, 0, 1])
    assert order_weights(customer, order, 7, 0.9, 0.7).tolist() == [1.0, 1.0, 1.0]


def test_own_purchases_and_those_of_customers_alike_are_recommended():
    model = fitted("bread@9 butter@8 -> jam", "bread@9 butter@8 -> jam", "tea@9 lemon@8 -> sugar", nearest=2)
    assert sorted(best(model.recommend, "bread@2 butter@1", k=3)[0]) == ["bread", "butter", "jam"]


def test_only_the_neighbours_speak_where_the_own_part_is_nothing():
    model = fitted("bread@9 -> jam", "bread@9 -> jam", "tea@9 -> lemon", own_parts=(0.0,), nearest=2)
    assert best(model.recommend, "bread@1", k=1) == [["jam"]]


def test_the_own_part_is_the_one_that_hits_on_validation():
    loyal = [f"item{number}@9 item{number}@8 -> item{number}" for number in range(30)]
    model = fitted(*loyal, own_parts=(0.0, 0.9), nearest=20)
    assert model.own == pytest.approx(0.9)


def test_only_the_latest_shoppers_are_kept():
    model = fitted("bread@9 ->", "tea@1 ->", most_customers=1)
    assert model.others_CV.shape == (1, 2)
    assert model.others_CV.toarray().tolist() == [[0.0, 1.0]]
