import pytest

from attune.config import Workspace
from attune.errors import ConfigError, DataError
from attune.training.refresh import refresh_features
from tests.features.purchases import at

CHURN = {
    "feature_service": "churn_v1",
    "purpose": "churn",
    "kind": "scorer",
    "label": {"active_days": 28, "quiet_days": 14},
    "as_of": {"first": "2017-02-05"},
    "network": "churn_network",
    "candidates": {"churn_network": {}},
}


class Unused:
    """A store that is never reached."""

    def apply(self) -> None:
        raise AssertionError

    def materialize(self, as_of: object) -> None:
        raise AssertionError


def refresh(tmp_path, params):
    return refresh_features(Unused(), Workspace(root=tmp_path), params, at("2017-04-09"))


def test_parameters_without_a_plan_are_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="no section of the parameters names a feature_service: monitoring"):
        refresh(tmp_path, {"monitoring": {"psi": 0.2}})


def test_a_misspelt_feature_setting_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="histroy_length"):
        refresh(tmp_path, {"churn": CHURN, "features": {"histroy_length": 10}})


def test_a_section_that_nobody_reads_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="the parameters of featurs are nobody's"):
        refresh(tmp_path, {"churn": CHURN, "featurs": {"history_length": 10}})


def test_missing_tables_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="import data first"):
        refresh(tmp_path, {"churn": CHURN})
