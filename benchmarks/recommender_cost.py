"""What an epoch and an answer cost, ours and peers' one after the other on the same customers, one core each.

`python -m benchmarks.recommender_cost` trains on a share of the customers of MovieLens-1M, with the sizes of
the published comparison: 64 dimensions, 2 blocks, 200 interactions.
"""

import argparse
import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from attune.columns import CUSTOMER_ID
from attune.data.splits import chosen_share
from attune.evaluation.protocols import Split
from attune.models import catalog
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from benchmarks.peers.environment import PeerTraining, ask_peer
from benchmarks.recommender_data import FOLDER, load
from benchmarks.recommender_protocols import PROTOCOLS
from benchmarks.recommender_results import FILE
from benchmarks.results import Result, add_results

PROTOCOL = PROTOCOLS["ml1m_loo"]
ANSWERS, TEN = 200, 10
# The whole softmax against the whole softmax, a sample against a sample.
PAIRS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "epoch_cpu_ratio_rectools": ("rectools_sasrec", {}),
    "epoch_cpu_ratio_esasrec": ("rectools_esasrec", {"negatives": 256}),
}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--share", type=float, default=0.2, help="of the customers")
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # the peer's process
    torch.set_num_threads(1)
    split = _some(PROTOCOL.split(load(PROTOCOL.data, asked.data).interactions), asked.share)
    words = f"{len(split.train):,} customers, one epoch each, d 64, 2 blocks, L 200, one core each"
    figures: list[Result] = []
    for name, (peer, params) in PAIRS.items():
        network, ours = _epoch(split, params)
        took = ask_peer(peer, split, TEN, PROTOCOL.exclude_seen, 0, PeerTraining(epochs=1))[1]
        theirs = took.learn_processor
        print(f"{name}: {ours:.1f} against {theirs:.1f} CPU s", flush=True)
        note = f"{words}; {ours:.1f} against {theirs:.1f} CPU s"
        figures.append(_figure(name, theirs / ours, "x", peer, note))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures.append(_figure("peak_memory_gib", peak, "GiB", None, f"{words}; our process with its data"))
    figures.append(_one_customer(network, split.test))
    add_results(FILE, figures)


def _some(split: Split, share: float) -> Split:
    def of(part: pd.DataFrame) -> pd.DataFrame:
        return part[chosen_share(part[CUSTOMER_ID], share, "cost")]

    return Split(of(split.train), of(split.validation), of(split.test))


def _epoch(split: Split, params: Mapping[str, Any]) -> tuple[Transformer, float]:
    """A network after one epoch, and the processor seconds of it, validation included."""
    network = catalog.build("transformer", {**PROTOCOL.params_of("transformer"), **params})
    assert isinstance(network, Transformer)
    loop = PROTOCOL.network.loop.model_copy(update={"epochs": 1})
    return network, train_network(network, split.train, split.validation, loop).processor_seconds


@torch.no_grad()
def _one_customer(network: Transformer, examples: pd.DataFrame) -> Result:
    """Processor time of one thread from the codes of a history to its ten best items."""
    encoded = network.encode(examples, with_labels=False)
    took: list[float] = []
    for row in range(min(ANSWERS, len(examples))):
        batch = next(network.batches(encoded, 1, torch.tensor([row])))
        started = time.thread_time()
        network(batch).topk(TEN)
        took.append((time.thread_time() - started) * 1e3)
    lengths = encoded["count"][:ANSWERS].clamp(max=network.config.length).float()
    note = f"codes to exact top 10 of {len(network.items):,}, {lengths.mean():.0f} interactions on average"
    return _figure("one_user_p50_ms", float(np.median(took)), "CPU ms", None, f"{note}, torch, one thread")


def _figure(name: str, value: float, unit: str, peer: str | None, protocol: str) -> Result:
    print(f"{name} {value:.3f} {unit}", flush=True)
    return Result.here(
        name=name,
        value=round(value, 3),
        unit=unit,
        peer=peer,
        data="MovieLens-1M",
        protocol=protocol,
        command="python -m benchmarks.recommender_cost",
    )


if __name__ == "__main__":
    main()
