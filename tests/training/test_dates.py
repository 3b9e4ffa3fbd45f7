from attune.training.dates import example_dates, needed_dates
from attune.training.plan import TrainingPlan
from tests.features.purchases import at

PLAN = TrainingPlan.parse(
    {
        "feature_service": "churn_v1",
        "purpose": "churn",
        "kind": "scorer",
        "label": {"active_days": 90, "quiet_days": 28},
        "as_of": {"first": "2017-04-02", "test": 1, "train_every_days": 14},
        "network": "churn_network",
        "candidates": {"churn_network": {}},
    }
)


def days(moments):
    return [f"{moment:%m-%d}" for moment in moments]


def test_the_last_test_label_ends_now_and_training_labels_end_where_the_test_begins():
    dates = example_dates(PLAN, at("2017-06-25"))
    assert days(dates.test) == ["05-28"]
    assert days(dates.train) == ["04-02", "04-16", "04-30"]


def test_features_are_needed_for_all_examples_and_as_of_now():
    needed = needed_dates([PLAN], at("2017-06-27"))
    assert days(needed["churn_v1"]) == ["04-02", "04-16", "04-30", "05-28", "06-25"]
    assert days(needed["popularity_v1"]) == ["06-25"]
