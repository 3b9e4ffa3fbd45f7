import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from attune.evaluation.ranks import rank_metrics

ONCE = np.ones((1, 4), dtype=np.uint8)


def values(scores, labels, weights):
    found = rank_metrics(np.array(scores, float), np.array(labels, float), weights)
    return {name: replicates.tolist() for name, replicates in found.items()}


def test_metrics_of_a_table_checked_by_eye():
    # pairs of one that left and one that stayed: 0.9>0.5, 0.9>0.1, 0.3<0.5, 0.3>0.1
    found = values([0.9, 0.5, 0.3, 0.1], [1, 0, 1, 0], ONCE)
    assert found["roc_auc"] == [0.75]
    assert found["pr_auc"] == [pytest.approx((1 / 1 + 2 / 3) / 2)]
    assert found["top_decile_lift"] == [2.0]


def test_equal_scores_count_half_and_share_the_top():
    found = values([0.5, 0.5, 0.5, 0.5], [1, 0, 1, 0], ONCE)
    assert found == {"roc_auc": [0.5], "pr_auc": [0.5], "top_decile_lift": [1.0]}


def test_a_replicate_counts_each_row_as_often_as_it_was_drawn():
    weights = np.array([[1, 1, 1, 1], [2, 0, 0, 1], [1, 0, 2, 0]], dtype=np.uint8)
    found = values([0.9, 0.5, 0.3, 0.1], [1, 0, 1, 0], weights)["roc_auc"]
    assert found[:2] == [0.75, 1.0]
    assert np.isnan(found[2])  # only those who left were drawn


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=60).filter(
        lambda rows: len({label for _, label, weight in rows if weight}) == 2
    )
)
def test_weighted_metrics_equal_those_of_scikit_learn(rows):
    scores, labels, weights = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = rank_metrics(scores, labels, weights[None].astype(np.uint8))
    assert found["roc_auc"][0] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights))
    assert found["pr_auc"][0] == pytest.approx(average_precision_score(labels, scores, sample_weight=weights))
