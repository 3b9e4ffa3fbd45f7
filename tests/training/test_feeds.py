"""Examples streamed from a file of many row groups, beside the same examples in memory."""

import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from attune.errors import ModelError
from attune.models.catalog import build
from attune.models.network import network_tensors
from attune.training.feeds import Feed, InMemory, Streamed, encoded_on
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from attune.training.parquet_examples import ParquetExamples
from attune.training.processes import Processes
from attune.training.train import train
from tests.models.examples import next_item_examples

ROOT = Path(__file__).parents[2]
CPU, ALONE = torch.device("cpu"), Processes(0, 1)
TINY = {"dimension": 8, "blocks": 1, "min_count": 1}
SETTINGS = LoopSettings(epochs=2, batch_size=8, patience=2, stream_part=60)
MOST_MEMORY = 200  # MB beyond an idle process; held in memory, the same examples take four times as much


@pytest.fixture(scope="module")
def examples() -> pd.DataFrame:
    return next_item_examples(70, seed=0)


@pytest.fixture(scope="module")
def file(examples, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("stream") / "train.parquet"
    examples.to_parquet(file, row_group_size=7)
    return file


def prepared(examples: pd.DataFrame):
    network = build("transformer", TINY)
    network.prepare(examples)
    return network.train()


def targets(network, feed: Feed, epoch: int = 0) -> list[list[int]]:
    """What each step asks."""
    return [
        [int(code) for batch, weight in share if weight for code in batch["target"]]
        for part in range(feed.parts(epoch))
        for share in feed.shares(network, epoch, part)
    ]


def asked(steps: list[list[int]]) -> list[int]:
    """All targets, whatever their order."""
    return sorted(chain.from_iterable(steps))


def test_a_stream_asks_the_same_as_memory_does_in_another_order_each_epoch(examples, file):
    network, streamed = prepared(examples), Streamed(ParquetExamples(file), CPU, SETTINGS, ALONE)
    whole = InMemory(encoded_on(network, examples, CPU), SETTINGS, ALONE)
    wanted = asked(targets(network, whole))
    assert streamed.parts(0) > 5
    assert streamed.rows == whole.rows == 70
    first, second = (targets(network, streamed, epoch) for epoch in range(2))
    assert asked(first) == asked(second) == wanted
    assert first != second
    assert first == targets(network, streamed, 0)
    assert len(first) == streamed.steps()


def test_processes_share_a_stream_and_make_as_many_steps(examples, file):
    network, stream = prepared(examples), ParquetExamples(file)
    both = [targets(network, Streamed(stream, CPU, SETTINGS, Processes(rank, 2))) for rank in range(2)]
    assert len(both[0]) == len(both[1])
    whole = targets(network, InMemory(encoded_on(network, examples, CPU), SETTINGS, ALONE))
    assert asked(both[0] + both[1]) == asked(whole)


def test_a_network_prepared_in_parts_knows_what_one_that_saw_all_knows(examples, file):
    network = build("transformer", TINY)
    network.prepare_in_parts(ParquetExamples(file).frames())
    whole = prepared(examples)
    assert list(network.items.ids) == list(whole.items.ids)
    torch.testing.assert_close(network.bias_V, whole.bias_V)


class WentAwayError(Exception):
    """The machine went away."""


def interrupted_after(steps: int):
    network = build("transformer", TINY)
    loss, seen = network.loss, iter(range(steps))

    def count(batch):
        if network.training and next(seen, None) is None:
            raise WentAwayError
        return loss(batch)

    network.loss = count
    return network


def test_a_stream_that_is_interrupted_within_an_epoch_goes_on_to_the_same_weights(examples, file, tmp_path):
    stream, held_out = ParquetExamples(file), examples.iloc[:10]
    steps = Streamed(stream, CPU, SETTINGS, ALONE).steps()
    with pytest.raises(WentAwayError):
        train_network(interrupted_after(steps * 3 // 2), stream, held_out, SETTINGS, tmp_path / "state")
    straight, resumed = build("transformer", TINY), build("transformer", TINY)
    train_network(straight, stream, held_out, SETTINGS)
    train_network(resumed, stream, held_out, SETTINGS, tmp_path / "state")
    for name, weight in network_tensors(straight).items():
        np.testing.assert_array_equal(network_tensors(resumed)[name], weight)


def test_more_interactions_than_may_be_in_memory_are_streamed(examples, file, tmp_path, capsys):
    examples.iloc[:20].to_parquet(tmp_path / "validation.parquet", row_group_size=5)
    (tmp_path / "train.parquet").write_bytes(file.read_bytes())
    small = SETTINGS.model_copy(update={"epochs": 1, "stream_above": 100})
    assert train("transformer", TINY, small, tmp_path, tmp_path / "model") == 70
    assert "epoch 1/1, part 2/" in capsys.readouterr().out
    with pytest.raises(ModelError, match="Sequential has to see all examples at once"):
        train("sequential", {"min_count": 1}, small, tmp_path, tmp_path / "other")


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "train.parquet").write_bytes(b"rows")
    with pytest.raises(ModelError, match=r"train\.parquet cannot be read"):
        ParquetExamples(tmp_path / "train.parquet")


def test_two_million_interactions_are_streamed_in_bounded_memory(tmp_path):
    command = [sys.executable, "-m", "tests.training.streaming", str(tmp_path / "train.parquet")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert float(done.stdout.splitlines()[-1]) < MOST_MEMORY
