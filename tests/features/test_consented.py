from collections.abc import Sequence
from datetime import datetime

import pytest

from attune.data.consents import PURPOSES
from attune.errors import FeatureError
from attune.features.consented import ConsentedFeatures
from attune.features.definitions.base import ANY
from attune.features.online import FeatureStatus, OnlineRow
from attune.features.schema import SERVICES, key_of, purposes_of
from tests.features.purchases import at

NOW = at("2017-06-04")


class Store:
    """Knows one feature of everybody, and remembers who was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        self.asked += keys
        status = {"age_band": FeatureStatus.PRESENT}
        return [OnlineRow(key, {"age_band": f"of {key}"}, {"age_band": now}, status) for key in keys]


class Agreed:
    """Ann and cid agreed to churn, nobody to anything else."""

    def agreed_to(self, purpose: str) -> frozenset[str]:
        return frozenset({"ann", "cid"}) if purpose == "churn" else frozenset()


def test_who_did_not_agree_has_a_row_without_values_and_is_not_even_asked_for():
    store = Store()
    rows = ConsentedFeatures(store, Agreed()).read("churn_v1", ["ann", "bob", "cid", "ann"], "churn", NOW)
    assert [(row.key, row.consent) for row in rows] == [
        ("ann", True),
        ("bob", False),
        ("cid", True),
        ("ann", True),
    ]
    assert [row.features.values["age_band"] for row in rows if row.features] == ["of ann", "of cid", "of ann"]
    assert store.asked == ["ann", "cid", "ann"]


def test_an_agreement_to_one_purpose_is_none_to_another():
    rows = ConsentedFeatures(Store(), Agreed()).read("churn_v1", ["ann"], "response", NOW)
    assert [row.features for row in rows] == [None]


def test_a_purpose_that_no_feature_was_declared_for_is_refused_in_words():
    with pytest.raises(
        FeatureError, match=r"may not be read for the purpose 'emotion'.* declared for analytics"
    ):
        ConsentedFeatures(Store(), Agreed()).read("churn_v1", ["ann"], "emotion", NOW)


def test_one_feature_that_may_not_be_used_is_enough_to_refuse():
    with pytest.raises(FeatureError, match="'recommend_v1' may not be read for the purpose 'churn'"):
        ConsentedFeatures(Store(), Agreed()).read("recommend_v1", ["ann"], "churn", NOW)


def test_items_need_no_consent_and_it_says_so():
    with pytest.raises(FeatureError, match="about items"):
        ConsentedFeatures(Store(), Agreed()).read("popularity_v1", ["bread"], "recommend", NOW)


def test_every_service_serves_the_purpose_it_is_named_after():
    named = {service: service.partition("_")[0] for service in SERVICES}
    for service in (name for name in named if key_of(name) == "customer_id"):
        assert named[service] in purposes_of(service)


def test_features_know_the_purposes_that_customers_are_asked_about():
    assert set(ANY) == set(PURPOSES)
