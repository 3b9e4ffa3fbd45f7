import pandas as pd

from attune.columns import DEMOGRAPHICS
from attune.evaluation.slices import groups


def found(examples: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    return {(group.slice, group.name): group.rows.nonzero()[0].tolist() for group in groups(examples)}


def test_every_slice_whose_columns_are_there_is_cut():
    examples = pd.DataFrame(dict.fromkeys(DEMOGRAPHICS, "unknown"), index=range(3)).assign(
        tenure_days=[10.0, 200.0, 90.0], orders_90d=[1, 5, 9]
    )
    examples.loc[0, "age_band"] = "25-34"
    assert found(examples) == {
        ("age_band", "25-34"): [0],
        ("age_band", "unknown"): [1, 2],
        ("income_band", "unknown"): [0, 1, 2],
        ("demographics", "known"): [0],
        ("demographics", "unknown"): [1, 2],
        ("tenure", "new"): [0],
        ("tenure", "old"): [1, 2],
        ("activity", "low (up to 3 orders)"): [0],
        ("activity", "middle (up to 6 orders)"): [1],
        ("activity", "high (more than 6 orders)"): [2],
    }


def test_examples_without_such_columns_have_no_slices():
    assert found(pd.DataFrame({"customer_id": ["ann"]})) == {}


def test_equal_numbers_of_orders_never_fall_apart():
    assert len(found(pd.DataFrame({"orders_90d": [2, 2, 2, 2]}))) == 1


def test_a_customer_without_features_is_new_and_not_active():
    examples = pd.DataFrame({"tenure_days": [None, 200.0, 300.0], "orders_90d": [None, 5.0, 9.0]})
    assert found(examples)["tenure", "new"] == [0]
    assert found(examples)["activity", "low (up to 3 orders)"] == [0]
