import pytest

from attune.drift.monitor import Monitor
from attune.errors import ConfigError

LISTS = {"history_items": "a list", "history_times": "a list"}


def test_every_feature_of_a_service_is_watched_but_for_those_excused():
    monitor = Monitor.parse(
        {"feature_service": "recommend_v1", "not_watched": LISTS | {"tenure_days": "the calendar"}}
    )
    assert [(feature.name, feature.kind) for feature in monitor.watched()] == [
        ("age_band", "category"),
        ("income_band", "category"),
        ("orders_90d", "number"),
    ]


def test_a_feature_brings_what_its_values_have_to_be_and_its_own_limit():
    monitor = Monitor.parse({"feature_service": "churn_v1", "limits": {"discount_share_90d": 0.3}})
    share = next(feature for feature in monitor.watched() if feature.name == "discount_share_90d")
    assert (share.minimum, share.maximum, share.limit) == (0, 1, 0.3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"feature_service": "churn_v1", "not_watched": {"spent": "misspelt"}}, "serves no feature 'spent'"),
        ({"feature_service": "churn_v1", "limits": {"spent": 0.2}}, "serves no feature 'spent'"),
        ({"feature_service": "recommend_v1"}, "history_items holds lists"),
        ({"feature_service": "churn_v1", "rules": {"psi": 0.2}}, "rules.psi"),
        ({"feature_service": "churn_v1", "rules": {"false_alarm": 0}}, "rules.false_alarm"),
    ],
)
def test_a_monitor_that_cannot_watch_is_refused(values: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        Monitor.parse(values)
