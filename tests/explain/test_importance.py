import xml.etree.ElementTree as ET

import pytest

from attune.errors import DataError
from attune.explain.importance import importance_plot, permutation_importance
from tests.explain.scorers import learnt, rows


@pytest.fixture(scope="module")
def found():
    return permutation_importance(learnt("logistic_regression"), rows(400, seed=9), least=0.01, repeats=5)


def test_the_one_feature_that_drives_the_label_is_worth_its_cost_and_no_other(found):
    assert found[0].feature == "recency_days"
    assert found[0].lost > 0.3
    assert [each.feature for each in found if each.worth] == ["recency_days"]
    assert {each.feature: each.lost for each in found}["always_seven"] == 0


def test_the_plot_is_one_drawing_with_a_bar_for_each_feature(found):
    drawing = ET.fromstring(importance_plot(found, "What <churn> leans on"))
    assert len(drawing.findall("{http://www.w3.org/2000/svg}rect")) == len(found)
    assert drawing[0].text == "What <churn> leans on"


def test_one_label_alone_is_refused():
    with pytest.raises(DataError, match="the same label"):
        permutation_importance(learnt("logistic_regression"), rows(50, seed=9).assign(label=0))
