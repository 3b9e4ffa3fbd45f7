import json
from pathlib import Path

import pytest

from attune.config import load_params
from attune.errors import ConfigError
from attune.models.catalog import MODELS, build
from attune.training.plan import ChurnLabel, NextItemsLabel, TrainingPlan

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
PLANS = [name for name, section in PARAMS.items() if "feature_service" in section]


def plan(**changes) -> TrainingPlan:
    return TrainingPlan.parse(PARAMS["churn"] | changes)


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_of_the_parameter_file_survives_json_in_which_all_numbers_are_floats(name):
    floats = json.loads(json.dumps(PARAMS[name]), parse_int=float)
    assert TrainingPlan.parse(floats) == TrainingPlan.parse(PARAMS[name])


@pytest.mark.parametrize("name", PLANS)
def test_every_candidate_of_the_parameter_file_can_be_built(name):
    parsed = TrainingPlan.parse(PARAMS[name])
    for candidate in parsed.candidates:
        build(candidate, parsed.settings_of(candidate))


def test_every_candidate_of_a_plan_is_in_the_catalogue():
    assert {candidate for name in PLANS for candidate in PARAMS[name]["candidates"]} <= set(MODELS)


def test_the_label_says_how_long_it_looks_ahead():
    assert plan().label == ChurnLabel(active_days=90, quiet_days=28)
    assert plan().label.horizon_days == 28
    assert NextItemsLabel(next_days=7).horizon_days == 7


def test_the_simple_models_are_the_candidates_that_are_not_the_network():
    assert plan().simple == ["logistic_regression", "gradient_boosting"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": {"oracle": {}}}, "no model named 'oracle'"),
        ({"candidates": {"churn_network": {}, "popularity": {}}}, "'popularity' is a recommender"),
        ({"network": "sequential"}, "'sequential' is not among the candidates"),
        ({"label": {"quiet_weeks": 4}}, "quiet_weeks"),
        ({"as_of": {"first": "2017-03-26", "train_every_days": 10}}, "multiple of 7"),
        ({"feature_service": "churn"}, "feature_service"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_wrong_plan_is_refused_by_name(changes, message):
    with pytest.raises(ConfigError, match=message):
        plan(**changes)


def test_a_candidate_that_is_not_listed_is_refused():
    with pytest.raises(ConfigError, match="'popularity' is not among the candidates"):
        plan().settings_of("popularity")
