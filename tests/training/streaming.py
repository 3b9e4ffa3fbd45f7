"""Stream two million made-up interactions in a process of its own, and say how much memory that took."""

import resource
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from attune.models.catalog import build
from attune.training.feeds import Streamed
from attune.training.loop_settings import LoopSettings
from attune.training.parquet_examples import ParquetExamples
from attune.training.processes import Processes

CUSTOMERS, LENGTH, ITEMS, TOGETHER = 20_000, 100, 5_000, 500
NOW = 1_500_000_000


def write(file: Path) -> None:
    """Write so many customers, some of them at a time."""
    names = pa.array([f"item-{number:05}" for number in range(ITEMS)])
    draw = np.random.default_rng(0)
    offsets = pa.array(np.arange(0, TOGETHER * LENGTH + 1, LENGTH, dtype=np.int32))
    times = pa.ListArray.from_arrays(offsets, pa.array(np.tile(NOW - np.arange(LENGTH, 0, -1), TOGETHER)))
    writer = None
    for first in range(0, CUSTOMERS, TOGETHER):
        bought = names.take(pa.array(draw.integers(0, ITEMS, TOGETHER * LENGTH)))
        after = names.take(pa.array(draw.integers(0, ITEMS, TOGETHER)))
        table = pa.table(
            {
                "customer_id": [f"c{number}" for number in range(first, first + TOGETHER)],
                "event_timestamp": pa.array([NOW * 10**6] * TOGETHER, pa.timestamp("us", tz="UTC")),
                "history_items": pa.ListArray.from_arrays(offsets, bought),
                "history_times": times,
                "label": pa.ListArray.from_arrays(pa.array(range(TOGETHER + 1), pa.int32()), after),
            }
        )
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def peak_mb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stream(file: Path) -> int:
    """Learn the catalogue, and cut all batches of an epoch; how many targets they have."""
    settings = LoopSettings(batch_size=500, stream_part=100_000)
    examples = ParquetExamples(file)
    network = build("transformer", {"dimension": 8, "length": LENGTH})
    network.prepare_in_parts(examples.frames())
    feed = Streamed(examples, torch.device("cpu"), settings, Processes(0, 1))
    return sum(
        len(batch["target"])
        for part in range(feed.parts(0))
        for share in feed.shares(network.train(), 0, part)
        for batch, _ in share
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    before = peak_mb()
    assert stream(Path(sys.argv[1])) == CUSTOMERS * LENGTH
    sys.stdout.write(f"{peak_mb() - before}\n")
