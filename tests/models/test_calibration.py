import numpy as np
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression

from attune.errors import ModelError
from attune.models.calibration import CALIBRATION_FILE, Calibration, choose_calibration, rising
from attune.models.temperature import sigmoid


def held_out(labels, customers=None) -> pd.DataFrame:
    return pd.DataFrame(
        {"customer_id": range(len(labels)) if customers is None else customers, "label": labels}
    )


def drawn(truth, rows=4000, seed=0):
    """Log odds, and labels that come as often as a truth says of them."""
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(scale=2, size=rows)
    return log_odds, (draw.random(rows) < truth(log_odds)).astype(int)


@pytest.mark.parametrize(
    ("way", "truth"),
    [
        ("none", sigmoid),
        ("temperature", lambda log_odds: sigmoid(log_odds / 3)),
        ("isotonic", lambda log_odds: np.where(log_odds > 1, 0.6, 0.2)),
    ],
)
def test_the_way_that_fits_the_truth_is_chosen(way, truth):
    log_odds, labels = drawn(truth)
    chosen = choose_calibration(log_odds, held_out(labels))
    if way == "none":  # a temperature of about one says the same
        assert chosen.way == "none" or chosen.temperature == pytest.approx(1, abs=0.05)
    else:
        assert chosen.way == way
    assert chosen.rows == 4000
    assert chosen.losses[chosen.way] == min(chosen.losses.values())
    assert chosen.losses.keys() == {"none", "temperature", "isotonic"}
    fresh, happened = drawn(truth, rows=20_000, seed=1)
    said = chosen.probabilities(fresh)
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        there = (said >= low) & (said < high)
        if there.sum() > 200:
            assert said[there].mean() == pytest.approx(happened[there].mean(), abs=0.04)


def test_the_curve_is_that_of_scikit_learn_but_for_its_slight_slope():
    log_odds, labels = drawn(lambda log_odds: np.where(log_odds > 1, 0.6, 0.2), rows=1000)
    log_odds = log_odds.round(2)  # equal scores too
    chosen = choose_calibration(log_odds, held_out(labels))
    oracle = IsotonicRegression(y_min=1 / 1002, y_max=1001 / 1002, out_of_bounds="clip")
    oracle.fit(sigmoid(log_odds), labels)
    asked = np.linspace(-9, 9, 501)
    said = (chosen.probabilities(asked) - 0.01 * sigmoid(asked)) / 0.99
    np.testing.assert_allclose(said, oracle.predict(sigmoid(asked)), rtol=0, atol=1e-12)


def test_the_order_of_scores_stays():
    log_odds, labels = drawn(lambda log_odds: np.where(log_odds > 1, 0.6, 0.2))
    said = choose_calibration(log_odds, held_out(labels)).probabilities(np.sort(log_odds))
    assert (np.diff(said) > 0).all()
    assert (said > 0).all()
    assert (said < 1).all()


def test_rows_of_one_customer_are_never_on_both_sides():
    # Each customer's rows are alike: who may look at one of them knows the others.
    log_odds, labels = drawn(lambda log_odds: np.full(len(log_odds), 0.5), rows=60)
    alike = choose_calibration(
        np.repeat(log_odds, 50), held_out(np.repeat(labels, 50), np.repeat(range(60), 50))
    )
    assert alike.way != "isotonic"


@pytest.mark.parametrize("labels", [[], [1, 1, 1], [0] * 30 + [1] * 4])
def test_too_few_of_a_label_choose_nothing(labels):
    chosen = choose_calibration(np.zeros(len(labels)), held_out(labels))
    assert (chosen.way, chosen.losses, chosen.rows) == ("none", {}, len(labels))


def test_what_rises_already_stays_and_weights_count():
    assert rising(np.array([0.1, 0.2]), np.ones(2)).tolist() == [0.1, 0.2]
    assert rising(np.array([0.5, 0.1]), np.array([3.0, 1.0])).tolist() == [0.4, 0.4]


def test_a_calibration_is_read_back_as_it_was(tmp_path):
    log_odds, labels = drawn(lambda log_odds: np.where(log_odds > 1, 0.6, 0.2))
    chosen = choose_calibration(log_odds, held_out(labels))
    chosen.save(tmp_path)
    again = Calibration.load(tmp_path)
    assert again == chosen
    np.testing.assert_array_equal(again.probabilities(log_odds), chosen.probabilities(log_odds))


@pytest.mark.parametrize("content", [None, "{", '{"way": "isotonic"}', '{"said": [0.5], "meant": []}'])
def test_a_damaged_one_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / CALIBRATION_FILE).write_text(content)
    with pytest.raises(ModelError, match=r"no readable calibration\.json"):
        Calibration.load(tmp_path)
