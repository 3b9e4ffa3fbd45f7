import pytest

from attune.errors import FeatureError
from attune.features.schema import SERVICES, VIEWS, check_schema, features_of, key_of, schema_hash


@pytest.mark.parametrize("view", VIEWS)
def test_every_feature_says_what_it_is(view):
    for feature in VIEWS[view].features:
        assert feature.description.endswith(".")
        assert feature.unit
        assert feature.owner
        assert feature.purposes
        assert not feature.name.endswith("_y"), "the offline store drops such columns"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_one_key_and_no_name_twice(service):
    keys = {VIEWS[view].key for view in SERVICES[service]}
    assert keys == {key_of(service)}
    names = [name for names in SERVICES[service].values() for name in names]
    assert list(features_of(service)) == names


def test_a_model_of_the_same_schema_is_accepted():
    check_schema("churn_v1", features_of("churn_v1"), schema_hash("churn_v1"))


def test_a_mismatch_names_the_feature():
    recorded = {**features_of("churn_v1"), "recency_days": "int64"}
    with pytest.raises(FeatureError, match="feature 'recency_days' was int64 and is float64"):
        check_schema("churn_v1", recorded, "another")


def test_a_feature_that_is_gone_is_named():
    recorded = {**features_of("churn_v1"), "shoe_size": "int64"}
    with pytest.raises(FeatureError, match="feature 'shoe_size' was int64 and is absent"):
        check_schema("churn_v1", recorded, "another")


def test_a_mismatch_beyond_names_and_types_is_a_mismatch_too():
    with pytest.raises(FeatureError, match="order, a unit or a time to live"):
        check_schema("churn_v1", features_of("churn_v1"), "another")
