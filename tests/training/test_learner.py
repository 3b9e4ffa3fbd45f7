import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from attune.errors import ModelError
from attune.training.average import WeightAverage
from attune.training.checkpoint import read_checkpoint
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.training.learning import SETTINGS, learn
from tests.training.test_loop import Line, line

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 300


def process(dropout: float, checkpoint: Path, out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.training.learning", str(dropout), str(checkpoint), str(out)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})


def test_training_that_is_killed_goes_on_to_the_same_weights_bit_for_bit(tmp_path):
    checkpoint = tmp_path / "state"
    killed = process(0.2, checkpoint, tmp_path / "never")
    waited_until = time.monotonic() + SECONDS_TO_START
    while not checkpoint.exists() and time.monotonic() < waited_until:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert 1 <= read_checkpoint(checkpoint)[1]["epoch"] < SETTINGS.epochs
    resumed, straight = learn(SETTINGS, 0.2, checkpoint), learn(SETTINGS, 0.2)
    for name, weight in straight.items():
        np.testing.assert_array_equal(resumed[name], weight)


def test_two_processes_learn_as_one_that_computes_its_batches_in_two_parts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    meeting = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [
        process(0, tmp_path / "state", tmp_path / f"learnt-{rank}", RANK=str(rank), **meeting)
        for rank in range(2)
    ]
    assert [each.wait(SECONDS_TO_START) for each in both] == [0, 0]
    alone = learn(SETTINGS.model_copy(update={"accumulate": 2}), 0)
    for rank in range(2):
        for name, weight in load_file(tmp_path / f"learnt-{rank}").items():
            np.testing.assert_allclose(weight, alone[name], rtol=1e-4, atol=1e-5)


def test_a_batch_in_parts_teaches_as_a_whole_one():
    weights = []
    for accumulate in (1, 3):
        network = Line()
        settings = LoopSettings(epochs=3, batch_size=12, accumulate=accumulate, learning_rate=0.1)
        train_network(network, line(2), line(2), settings)
        weights.append(network.layer.weight.item())
    assert weights[0] == pytest.approx(weights[1], rel=1e-5)


def test_a_finished_run_is_not_run_again(tmp_path):
    results = [
        train_network(Line(), line(2), line(2), LoopSettings(epochs=2), tmp_path / "state") for _ in range(2)
    ]
    assert results[0] == results[1]


def test_a_checkpoint_of_other_examples_or_settings_is_refused(tmp_path):
    settings = LoopSettings(epochs=2)
    train_network(Line(), line(2), line(2), settings, tmp_path / "state")
    for examples, other in ((line(3), settings), (line(2), LoopSettings(epochs=3))):
        with pytest.raises(ModelError, match="other examples or settings; remove it"):
            train_network(Line(), examples, line(2), other, tmp_path / "state")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "state").write_bytes(b"weights")
    with pytest.raises(ModelError, match="state is not a checkpoint"):
        train_network(Line(), line(2), line(2), LoopSettings(epochs=2), tmp_path / "state")


class BreaksInEpochThree(Line):
    """A line whose loss is lost at one step."""

    steps = 0

    def loss(self, batch):
        self.steps += self.training
        return super().loss(batch) * (float("nan") if self.steps == 10 else 1.0)


def test_a_lost_loss_says_where_and_the_checkpoint_holds_the_epoch_before(tmp_path):
    settings = LoopSettings(epochs=5, batch_size=8)
    with pytest.raises(ModelError, match=r"not a number in epoch 3, step 2 .*holds the epoch before"):
        train_network(BreaksInEpochThree(), line(2), line(2), settings, tmp_path / "state")
    tensors, facts = read_checkpoint(tmp_path / "state")
    assert facts["epoch"] == 2
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_the_average_follows_the_weights_and_steps_back():
    network = torch.nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0)
    average = WeightAverage(network, decay=0.5)
    network.weight.data.fill_(1)
    average.update(step=1_000)
    with average.in_place():
        assert network.weight.item() == 0.5
    assert network.weight.item() == 1


def test_the_best_weights_are_those_of_the_average():
    slopes = []
    for decay in (0.0, 0.9):
        network = Line()
        train_network(network, line(100), line(100), LoopSettings(epochs=3, average=decay))
        slopes.append(network.layer.weight.item())
    assert slopes[1] < slopes[0]  # the line is steep, the weights climb, and their average lags behind
