import numpy as np
import pytest

from attune.errors import ModelError
from attune.models.catalog import build
from tests.models.shopping import best, shopping

SENTENCES = (
    "bread@9 butter@8 -> jam",
    "bread@9 butter@8 -> tea",
    "tea@9 lemon@8 -> sugar",
    "tea@5 lemon@4 -> sugar",
    "butter@3 -> jam",
)


def fitted(**params):
    train = shopping(*SENTENCES)
    model = build("ease", {"ridge": 0.5} | params)
    model.fit(train, train)
    return model


def test_what_is_bought_by_the_same_customers_is_recommended():
    model = fitted(exclude_seen=True)
    assert best(model.recommend, "bread@1", "lemon@1", k=1) == [["butter"], ["sugar"]]


def test_each_item_is_predicted_from_the_others_by_ridge_regression():
    model = fitted()
    names = list(model.items.ids)
    baskets = [{word.split("@")[0] for word in line.replace("->", "").split()} for line in SENTENCES]
    bought = np.array([[float(name in basket) for name in names] for basket in baskets])
    for target in range(len(names)):
        others = [item for item in range(len(names)) if item != target]
        inputs = bought[:, others]
        ridge = np.linalg.solve(inputs.T @ inputs + 0.5 * np.eye(len(others)), inputs.T @ bought[:, target])
        np.testing.assert_allclose(model.weights_VV[others, target], ridge, atol=1e-5)
        assert model.weights_VV[target, target] == 0.0


def test_a_catalogue_too_large_to_invert_is_refused_with_its_size():
    with pytest.raises(ModelError, match=r"6 items, more than most_items = 5.*raise min_count"):
        fitted(most_items=5)


def test_rarer_items_can_be_left_out():
    assert list(fitted(min_count=3).items.ids) == ["butter", "tea"]
