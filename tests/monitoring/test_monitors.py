from pathlib import Path

import pytest

from attune.config import load_params
from attune.features.schema import features_of
from monitoring.monitors import MONITORS

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.mark.parametrize("service", MONITORS)
def test_every_feature_is_watched_or_excused_with_a_reason(service: str):
    monitor = MONITORS[service]
    watched = {feature.name for feature in monitor.watched()}
    assert watched | monitor.not_watched.keys() == features_of(service).keys()
    assert watched
    assert all(len(reason) > 20 for reason in monitor.not_watched.values())


def test_every_served_model_has_a_monitor_that_asks_the_customers_its_examples_are_of():
    for section in load_params(PARAMS).values():
        if "feature_service" not in section:
            continue
        monitor = MONITORS[section["feature_service"]]
        label = section["label"]
        assert monitor.next_days == label.get("next_days")
        assert monitor.sent_days == label.get("send_days")
        assert "active_days" not in label or monitor.active_days == label["active_days"]
