import pytest

from attune.errors import ModelError
from attune.models.catalog import build
from tests.models.shopping import best, shopping

SIMPLE = [
    "popularity", "personal_frequency", "item_to_item", "markov_chain", "ease", "als", "next_basket",
]  # fmt: skip
VALIDATION = shopping("bread@2 -> bread")


def fitted(name, *sentences, **params):
    model = build(name, params)
    model.fit(shopping(*sentences), VALIDATION)
    return model


def test_popularity_counts_orders_of_the_last_weeks_alone():
    model = fitted("popularity", "tea@90 tea@80 tea@70 bread@9 milk@2 -> bread", recent_days=28)
    assert best(model.recommend, "") == [["bread", "milk"]]


def test_popularity_can_count_all_orders():
    model = fitted("popularity", "tea@90 tea@80 tea@70 bread@9 milk@2 -> bread", recent_days=None)
    assert best(model.recommend, "") == [["tea", "bread"]]


def test_personal_frequency_counts_own_purchases_the_older_the_less():
    model = fitted(
        "personal_frequency",
        "bread@9 milk@2 tea@1 -> tea",
        half_lives_days=(7.0,),
        popularity_weights=(0.001,),
    )
    assert best(model.recommend, "bread@70 bread@69 milk@2 milk@1 tea@0", k=3) == [["milk", "tea", "bread"]]


def test_personal_frequency_fills_up_with_what_is_popular():
    model = fitted("personal_frequency", "bread@9 tea@5 tea@1 milk@3 -> tea")
    assert best(model.recommend, "milk@1", "") == [["milk", "tea"], ["tea", "bread"]]


def test_personal_frequency_chooses_the_half_life_that_hits_best_on_validation():
    model = build("personal_frequency", {"half_lives_days": (1.0, 60.0), "popularity_weights": (0.0001,)})
    loyal = ["bread@30 bread@29 bread@28", *(f"other{number}@1" for number in range(10))]
    train = shopping(" ".join(loyal) + " -> bread")
    model.fit(train, train)
    assert model.half_life == 60.0


def test_item_to_item_recommends_what_was_bought_together():
    model = fitted(
        "item_to_item",
        *["bread@9 butter@9 -> tea", "bread@8 butter@8 -> tea", "tea@7 lemon@7 -> bread"],
        min_count=1,
        own_weights=(0.0,),
    )
    assert best(model.recommend, "bread@1", "lemon@1", k=1) == [["butter"], ["tea"]]


def test_item_to_item_can_go_by_customers_where_orders_hold_one_item():
    train = ["bread@9 butter@8 -> jam", "bread@5 butter@4 -> jam", "tea@7 lemon@6 -> sugar"]
    model = fitted("item_to_item", *train, min_count=1, own_weights=(0.0,), together="customer")
    assert best(model.recommend, "bread@1", "lemon@1", k=2) == [["butter", "jam"], ["sugar", "tea"]]


def test_item_to_item_counts_an_item_as_similar_to_itself():
    model = fitted("item_to_item", "bread@9 butter@9 -> tea", min_count=1, own_weights=(3.0,))
    assert best(model.recommend, "bread@1") == [["bread", "butter"]]


def test_item_to_item_keeps_only_the_nearest_neighbours():
    model = fitted(
        "item_to_item",
        *["bread@9 butter@9 jam@9 -> tea", "bread@8 butter@8 -> tea"],
        min_count=1,
        neighbours=1,
    )
    assert model.similar_VV.nnz <= len(model.items)


@pytest.mark.parametrize("name", SIMPLE)
def test_what_was_bought_before_can_be_left_out(name):
    wanted = {"exclude_seen": True} | ({"min_count": 1} if name == "item_to_item" else {})
    model = fitted(name, "bread@9 milk@9 tea@1 -> tea", **wanted)
    assert "bread" not in best(model.recommend, "bread@1", k=3)[0]


@pytest.mark.parametrize("name", SIMPLE)
def test_a_shop_with_one_item_recommends_it(name):
    model = fitted(name, *["bread@9 -> bread"] * 5)
    assert best(model.recommend, "", "bread@1", k=3) == [["bread"], ["bread"]]


@pytest.mark.parametrize("name", SIMPLE)
def test_examples_without_any_purchase_are_refused(name):
    with pytest.raises(ModelError, match=r"longer window"):
        fitted(name, "", "")
