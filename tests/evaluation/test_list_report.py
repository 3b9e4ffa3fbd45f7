import numpy as np
import pandas as pd
import pytest

from attune.errors import DataError
from attune.evaluation.list_report import report_lists
from attune.evaluation.variety import ItemFacts
from tests.evaluation.lists import lists

TABLE = pd.DataFrame(
    {
        "customer_id": [f"c{number}" for number in range(150)],
        "history_items": [["bread"]] * 100 + [None] * 50,
        "label": [["milk"]] * 100 + [["soap"]] * 50,
    }
)
KIND = pd.Series({"bread": "food", "milk": "food", "soap": "home"})
FACTS = ItemFacts(pd.Series({"bread": 8, "milk": 2, "soap": 1}), 8, KIND)


def test_every_metric_is_there_at_every_length_with_its_interval():
    found = report_lists(lists(*["bread milk"] * 150), TABLE, FACTS, lengths=(1, 10), replicates=50)
    assert len(found) == 2 * 9
    assert found["recall@1"].value == 0.0
    assert found["recall@10"].value == found["mrr@10"].value * 2 == pytest.approx(100 / 150)
    assert found["recall@10"].low < found["recall@10"].value < found["recall@10"].high
    assert found["coverage@1"].value == pytest.approx(1 / 3)
    assert found["coverage@10"].low is None


def test_customers_without_a_history_are_left_out_of_calibration_alone():
    found = report_lists(lists(*["milk"] * 150), TABLE, FACTS, lengths=(10,), replicates=50)
    assert found["miscalibration@10"].value == pytest.approx(0.0, abs=1e-12)
    assert not found["diversity@10"].computed


def test_lists_shorter_than_asked_for_are_refused():
    with pytest.raises(DataError, match="lists of 10 items cannot be measured at 100"):
        report_lists(np.full((150, 10), None), TABLE, FACTS)
