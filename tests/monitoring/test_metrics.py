from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from attune.retraining.rules import RetrainingRules
from attune.retraining.state import Seen, State
from monitoring.metrics import write_metrics

NOW = datetime(2017, 10, 1, tzinfo=UTC)
RULES = RetrainingRules(period_hours=24)


def test_prometheus_reads_where_every_model_stands(tmp_path: Path):
    states = {
        "churn": State(model="churn", windows=(Seen(window=NOW, pressure=1.5),), last_result=NOW),
        "recommend": State(
            model="recommend", paused="a campaign", last_result=NOW - timedelta(days=3), unpromoted=2
        ),
        "response": State(model="response"),
    }
    text = write_metrics(tmp_path, states, NOW, RULES).read_text(encoding="utf-8")
    found = {
        (sample.name, sample.labels["model"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["attune_drift_pressure", "churn"] == 1.5
    assert found["attune_monitor_last_result_timestamp_seconds", "churn"] == NOW.timestamp()
    assert [found["attune_model_unknown", name] for name in states] == [0, 1, 1]
    assert [found["attune_model_paused", name] for name in states] == [0, 1, 0]
    assert found["attune_retraining_unpromoted", "recommend"] == 2
    assert ("attune_drift_pressure", "response") not in found
