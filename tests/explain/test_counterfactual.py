import numpy as np
import pytest

from attune.errors import ModelError
from attune.explain.counterfactual import find_counterfactual
from attune.models.tabular import FeatureTable
from tests.models.examples import churn_examples

REFERENCE = churn_examples(400, seed=0)


class Rule:
    """Late customers leave, unless they order a lot; a word changes a little."""

    table = FeatureTable.learn(REFERENCE)

    def score(self, examples):
        late = examples["recency_days"].to_numpy(dtype=float) / 90
        often = examples["orders_90d"].to_numpy(dtype=float) / 30
        young = (examples["age_band"] == "25-34").to_numpy(dtype=float)
        return np.clip(0.3 + 0.5 * late - 0.4 * often + 0.02 * young, 0, 1)


ASKED = churn_examples(1, seed=1).assign(recency_days=60.0, orders_90d=5, age_band="35-44")


def test_the_smallest_change_that_turns_the_decision_is_found_and_asked_again():
    found = find_counterfactual(Rule(), ASKED, REFERENCE, {"recency_days": "down"}, threshold=0.5)
    (change,) = found.changes
    assert change.feature == "recency_days"
    assert found.before >= 0.5 > found.after
    turned = ASKED.assign(recency_days=float(change.wanted))
    assert Rule().score(turned)[0] == pytest.approx(found.after)
    # The next larger value of the grid would not have been enough.
    assert found.after > 0.45


def test_what_may_only_grow_never_shrinks_and_what_is_not_named_never_changes():
    assert find_counterfactual(Rule(), ASKED, REFERENCE, {"recency_days": "up"}, threshold=0.5) is None
    found = find_counterfactual(Rule(), ASKED, REFERENCE, {"orders_90d": "up"}, threshold=0.5)
    assert [change.feature for change in found.changes] == ["orders_90d"]


def test_where_one_feature_is_not_enough_a_second_one_helps():
    far = ASKED.assign(recency_days=89.0, orders_90d=1)
    allowed = {"recency_days": "any", "orders_90d": "any", "age_band": "any"}
    found = find_counterfactual(Rule(), far, REFERENCE, allowed, threshold=0.05)
    assert {change.feature for change in found.changes} == {"recency_days", "orders_90d"}
    assert found.after < 0.05


def test_a_feature_that_nobody_knows_is_refused():
    with pytest.raises(ModelError, match="no values of \\['mood'\\]"):
        find_counterfactual(Rule(), ASKED, REFERENCE, {"mood": "any"}, threshold=0.5)
