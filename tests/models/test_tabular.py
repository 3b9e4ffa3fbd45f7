import numpy as np
import pandas as pd
import pytest

from attune.errors import ModelError
from attune.models.tabular import FeatureTable, labels_of

TRAIN = pd.DataFrame(
    {
        "customer_id": ["ann", "bob", "cat"],
        "event_timestamp": pd.Timestamp("2017-06-04", tz="UTC"),
        "spend": [1.0, 5.0, np.nan],
        "age_band": ["65+", "unknown", "25-34"],
        "label": [0, 1, 0],
    }
)


def test_keys_times_and_the_label_are_left_out_and_the_rest_is_learnt():
    table = FeatureTable.learn(TRAIN)
    assert table.columns == ["spend", "age_band"]
    assert table.defaults == (3.0,)
    assert table.categories == {"age_band": ("25-34", "65+")}
    assert table.sizes == [3]


def test_numbers_and_codes_of_a_table_checked_by_eye():
    table = FeatureTable.learn(TRAIN)
    assert table.numbers(TRAIN).tolist() == [[1.0], [5.0], [3.0]]
    assert table.codes(TRAIN).tolist() == [[2], [0], [1]]


def test_one_row_without_its_number_gets_the_default():
    row = pd.DataFrame([{"spend": None, "age_band": "65+"}])
    assert FeatureTable.learn(TRAIN).numbers(row).tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("basket", [["bread"], ["milk"], []], "holds list"),
        ("since", pd.to_datetime(["2017-01-01"] * 3), "holds Timestamp"),
        ("item_id", ["bread", "milk", "milk"], "never from keys"),
    ],
)
def test_a_column_that_cannot_be_a_feature_is_refused(column, values, message):
    with pytest.raises(ModelError, match=message):
        FeatureTable.learn(TRAIN.assign(**{column: values}))


def test_a_table_of_keys_alone_is_refused():
    with pytest.raises(ModelError, match="no feature"):
        FeatureTable.learn(TRAIN[["customer_id", "label"]])


def test_text_where_training_had_numbers_is_refused():
    with pytest.raises(ModelError, match="'spend' is object; the model was trained with numbers"):
        FeatureTable.learn(TRAIN).numbers(TRAIN.assign(spend="much"))


def test_examples_without_labels_are_refused():
    with pytest.raises(ModelError, match="no column 'label'"):
        labels_of(TRAIN.drop(columns="label"))
