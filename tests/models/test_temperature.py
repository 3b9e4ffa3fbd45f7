import numpy as np
import pytest

from attune.models.temperature import best_temperature, sigmoid


@pytest.mark.parametrize("truth", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(truth):
    draw = np.random.default_rng(0)
    logits = draw.normal(scale=3, size=50_000)
    labels = (draw.random(50_000) < sigmoid(logits / truth)).astype(float)
    assert best_temperature(logits, labels) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0, 0.0]])
def test_labels_of_one_class_change_nothing(labels):
    assert best_temperature(np.ones(len(labels)), np.array(labels)) == 1.0


def test_a_useless_or_perfect_model_gets_a_bounded_temperature():
    logits, labels = np.array([-2.0, 2.0, -2.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0])
    assert best_temperature(logits, labels) == pytest.approx(0.05)
    assert best_temperature(logits, 1 - labels) == pytest.approx(20.0)
