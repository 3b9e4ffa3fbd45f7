import pytest

from attune.config import Workspace
from attune.data.tables import write_tables
from attune.errors import ConfigError, DataError
from attune.training.refresh import refresh_features
from tests.features.purchases import at, bought, table

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


@pytest.mark.parametrize("now", ["2017-04-16", "2027-04-11"])
def test_a_date_that_the_tables_do_not_reach_is_refused_in_words(tmp_path, now):
    write_tables(
        tmp_path / "tables", {"interactions": table(bought("ann", "bread", "2017-04-08")).to_pandas()}
    )
    with pytest.raises(
        DataError, match=r"last interaction is of 2017-04-08, .* date up to 2017-04-15 with --now"
    ):
        refresh_features(Unused(), Workspace(root=tmp_path), {"churn": CHURN}, at(now))


def test_missing_tables_are_refused_in_words(tmp_path):
    with pytest.raises(DataError, match="import data first"):
        refresh(tmp_path, {"churn": CHURN})
