from datetime import UTC, datetime

import pytest

from attune.models.catalog import build
from attune.recommend import Asked, Recommendations, Standing, recommend_each
from tests.models.shopping import AS_OF, DAY, shopping

NOW = datetime(2017, 6, 4, tzinfo=UTC)
TEA = {
    "history_items": ["tea"] * 3,
    "history_times": [int(AS_OF.timestamp()) - DAY * ago for ago in (9, 6, 3)],
}


@pytest.fixture(scope="module")
def model():
    model = build("personal_frequency", {})
    model.fit(shopping("bread@9 bread@3 milk@3 tea@20 -> bread"), shopping("bread@9 -> bread"))
    return model


def recommend(model, standing: Standing, features, k: int, **filters) -> Recommendations:
    (found,) = recommend_each(model, [Asked(standing, features, NOW, k, **filters)])
    return found


def standing(known=True, agreed=True, features="fresh"):
    return Standing(known=known, agreed=agreed, features=features)


@pytest.mark.parametrize(
    ("customer", "degraded", "is_personal"),
    [
        (standing(), (), True),
        (standing(features="stale"), ("stale_features",), True),
        (standing(features="missing"), ("missing_features",), False),
        (standing(features="unreachable"), ("no_feature_store",), False),
        (standing(agreed=False), ("no_consent",), False),
        (standing(agreed=False, features="unreachable"), ("no_consent",), False),
        (standing(known=False), ("unknown_customer",), False),
        (standing(known=False, agreed=False, features="missing"), ("unknown_customer",), False),
    ],
)
def test_the_own_history_is_used_only_where_it_may_and_the_answer_says_why_not(
    model, customer, degraded, is_personal
):
    found = recommend(model, customer, TEA, k=1)
    assert found.degraded == degraded
    assert found.items == (("tea",) if is_personal else ("bread",))


def test_features_that_are_not_there_are_missing_whatever_was_said(model):
    found = recommend(model, standing(), None, k=1)
    assert (found.items, found.degraded) == (("bread",), ("missing_features",))


def test_filters_act_inside_and_what_they_leave_is_not_padded(model):
    found = recommend(model, standing(), TEA, k=3, allowed=frozenset({"milk", "caviar"}))
    assert found.items == ("milk",)
    assert len(found.scores) == 1


def test_scores_do_not_rise(model):
    scores = recommend(model, standing(), TEA, k=3).scores
    assert list(scores) == sorted(scores, reverse=True)
