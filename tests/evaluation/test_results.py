import pytest
from pydantic import ValidationError

from attune.evaluation.results import Evaluation, Metric, SliceResult


def test_a_metric_has_a_value_or_a_reason_and_never_both_or_neither():
    with pytest.raises(ValidationError, match="either a value or the reason"):
        Metric()
    with pytest.raises(ValidationError, match="either a value or the reason"):
        Metric(value=0.5, reason="too few rows")
    assert not Metric.not_computed("too few rows").computed


def test_what_is_not_a_number_is_not_a_value():
    with pytest.raises(ValidationError, match="finite"):
        Metric(value=float("nan"))


def test_an_evaluation_is_the_same_after_a_journey_through_json():
    evaluation = Evaluation(
        metrics={"roc_auc": Metric(value=0.8, low=0.7, high=0.9), "ece": Metric.not_computed("one class")},
        slices=[SliceResult(slice="tenure", group="new", rows=3, metric="roc_auc", reason="3 rows")],
    )
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
