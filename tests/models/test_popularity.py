import numpy as np
import pandas as pd
import pytest

from attune.models.popularity import Popularity
from tests.models.shopping import best, shopping


@pytest.fixture(scope="module")
def by_age() -> Popularity:
    """The young buy tea and the old bread, of which there are more; one of unknown age buys milk."""
    train = pd.concat(
        [
            shopping(*["tea@9 tea@2 -> tea"] * 100).assign(age_band="25-34"),
            shopping(*["bread@9 bread@2 -> bread"] * 150).assign(age_band="65+"),
            shopping("milk@3 ->").assign(age_band="unknown"),
        ],
        ignore_index=True,
    )
    train["customer_id"] = [f"c{number}" for number in range(len(train))]
    model = Popularity(Popularity.Config(by="age_band"))
    model.fit(train, train.iloc[:5])
    return model


def test_a_new_customer_is_shown_what_those_of_their_age_buy(by_age):
    asked = shopping("", "", "", "").assign(age_band=["25-34", "65+", "unknown", "90+"])
    found, scores = by_age.recommend(asked, k=2)
    assert found[:, 0].tolist() == ["tea", "bread", "bread", "bread"]
    assert np.isfinite(scores).all()


def test_who_says_nothing_of_themselves_is_shown_what_all_buy(by_age):
    assert best(by_age.recommend, "", k=3) == [["bread", "tea", "milk"]]


def test_the_ages_travel_with_the_model(by_age, tmp_path):
    by_age.save(tmp_path)
    asked = shopping("").assign(age_band="25-34")
    found, _ = Popularity.load(tmp_path).recommend(asked, k=1, allowed=frozenset({"tea", "bread"}))
    assert found.tolist() == [["tea"]]


def test_few_purchases_of_a_kind_hardly_count():
    train = pd.concat(
        [
            shopping(*["bread@2 -> bread"] * 40).assign(age_band="65+"),
            shopping("tea@2 -> tea").assign(age_band="25-34"),
        ],
        ignore_index=True,
    )
    train["customer_id"] = [f"c{number}" for number in range(len(train))]
    model = Popularity(Popularity.Config(by="age_band"))
    model.fit(train, train)
    assert model.recommend(shopping("").assign(age_band="25-34"), k=1)[0].tolist() == [["bread"]]
