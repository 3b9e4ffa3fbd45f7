import pytest

from attune.models.catalog import build
from tests.models.shopping import best, shopping

VALIDATION = shopping("tea@2 -> bread")


def fitted(*sentences, **params):
    model = build("markov_chain", {"popularity_weights": (1.0,)} | params)
    model.fit(shopping(*sentences), VALIDATION)
    return model


def chances(model, sentence):
    found, scores = model.recommend(shopping(sentence), len(model.items))
    return dict(zip(found[0], scores[0], strict=True))


def test_what_directly_followed_the_last_purchase_comes_first():
    model = fitted("tea@9 lemon@8 -> bread", "tea@9 lemon@8 -> bread", "bread@9 -> tea")
    assert best(model.recommend, "bread@9 tea@1", k=1) == [["lemon"]]
    assert best(model.recommend, "tea@9 bread@1", k=1) == [["tea"]]


def test_chances_are_counts_smoothed_by_popularity_and_sum_to_one():
    model = fitted("tea@9 lemon@8 -> tea", "tea@9 bread@8 -> tea")
    # 6 purchases: tea 4, lemon 1, bread 1; tea was followed twice, once by lemon and once by bread.
    found = chances(model, "tea@1")
    assert found == pytest.approx({"tea": 4 / 6 / 3, "lemon": (1 + 1 / 6) / 3, "bread": (1 + 1 / 6) / 3})
    assert sum(found.values()) == pytest.approx(1.0)


def test_an_order_of_two_items_is_the_mean_of_their_chances():
    model = fitted("tea@9 lemon@8 -> tea", "bread@9 milk@8 -> bread")
    one, other = chances(model, "tea@1"), chances(model, "bread@1")
    both = chances(model, "tea@1 bread@1")
    assert both == pytest.approx({item: (one[item] + other[item]) / 2 for item in both})


def test_who_bought_nothing_or_what_nobody_followed_is_shown_what_is_popular():
    model = fitted("tea@9 tea@8 lemon@7 -> tea", "lemon@2 milk@1 ->")
    assert best(model.recommend, "", "milk@1", k=2) == [["tea", "lemon"]] * 2


def test_the_weight_of_popularity_is_the_one_that_hits_on_validation():
    popular = [f"item{number}@9 -> item{number}" for number in range(12)]
    for wanted, bought in ((0.001, "lemon"), (1e6, "item7")):
        model = build("markov_chain", {"popularity_weights": (0.001, 1e6)})
        model.fit(shopping(*popular, "item11@9 -> item11", "tea@9 -> lemon"), shopping(f"tea@1 -> {bought}"))
        assert model.weight == wanted
