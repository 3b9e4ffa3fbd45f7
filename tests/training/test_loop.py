import pandas as pd
import pytest
import torch
from torch import nn

from attune.errors import ModelError
from attune.models.network import Network
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings

FAST = LoopSettings(epochs=30, batch_size=8, learning_rate=0.1, weight_decay=0, patience=30)


class Line(Network):
    """y = a x + b."""

    def prepare(self, train):
        self.layer = nn.Linear(1, 1)

    def encode(self, examples, *, with_labels):
        return {
            name: torch.tensor(examples[name].to_numpy(), dtype=torch.float32)[:, None] for name in ("x", "y")
        }

    def loss(self, batch):
        return ((self.layer(batch["x"]) - batch["y"]) ** 2).mean()

    def finish(self, validation):
        self.finished = not self.training and next(self.parameters()).device.type == "cpu"


def line(slope: float, rows: int = 32) -> pd.DataFrame:
    x = torch.linspace(-1, 1, rows).double().numpy()
    return pd.DataFrame({"x": x, "y": slope * x})


def test_the_loop_finds_the_line_and_finishes_on_the_processor():
    network = Line()
    result = train_network(network, line(2), line(2), FAST)
    assert network.layer.weight.item() == pytest.approx(2, abs=0.05)
    assert network.finished
    assert result.best_validation_loss < 0.01


def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before():
    weights = []
    for _ in range(2):
        network = Line()
        train_network(network, line(2), line(2), LoopSettings(epochs=2, seed=3))
        weights.append(network.layer.weight.item())
        torch.rand(7)
    assert weights[0] == weights[1]


def test_the_best_epoch_is_kept_and_patience_ends_the_rest():
    network, settings = Line(), LoopSettings(epochs=20, batch_size=8, learning_rate=0.2, patience=2)
    result = train_network(
        network, line(3), line(0.5), settings
    )  # every step leads away from 0.5, in the end
    assert result.epochs == result.best_epoch + 2 < 20
    held_out = network.encode(line(0.5), with_labels=True)
    assert network.loss(held_out).item() == pytest.approx(result.best_validation_loss, rel=1e-4)


def test_who_looks_after_every_epoch_changes_nothing():
    seen, weights = [], []

    def look(learner):
        seen.append(learner.epoch)
        learner.network.eval()
        torch.rand(7)

    for after_epoch in (None, look):
        network = Line()
        train_network(network, line(2), line(2), LoopSettings(epochs=3), after_epoch=after_epoch)
        weights.append(network.layer.weight.item())
    assert seen == [1, 2, 3]
    assert weights[0] == weights[1]


def test_products_in_bfloat16_find_the_line_and_the_weights_stay_in_single_precision():
    network = Line()
    train_network(network, line(2), line(2), FAST.model_copy(update={"precision": "bfloat16"}))
    assert network.layer.weight.item() == pytest.approx(2, abs=0.05)
    assert network.layer.weight.dtype == torch.float32


def test_a_loss_that_is_not_a_number_stops_with_a_sentence():
    with pytest.raises(ModelError, match="not a number in epoch 1"):
        train_network(Line(), line(float("nan")), line(1), FAST)


@pytest.mark.parametrize(("train_rows", "validation_rows"), [(0, 5), (5, 0)])
def test_no_examples_are_refused(train_rows, validation_rows):
    with pytest.raises(ModelError, match=f"{train_rows} training and {validation_rows} validation"):
        train_network(Line(), line(1, train_rows), line(1, validation_rows), FAST)
