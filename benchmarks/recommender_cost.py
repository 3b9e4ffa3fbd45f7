"""What an epoch and an answer cost, ours and peers' one after the other on the same customers, one core each.

`python -m benchmarks.recommender_cost` trains on a share of the customers of MovieLens-1M, with the sizes of
the published comparison: 64 dimensions, 2 blocks, 200 interactions. Then all customers are asked for at once,
and some of them alone.
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from attune.columns import CUSTOMER_ID, EVENT_TIMESTAMP, HISTORY_ITEMS, HISTORY_TIMES
from attune.data.splits import chosen_share
from attune.evaluation.protocols import Split
from attune.inference.graphs import open_model, write_graphs
from attune.models import catalog
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from benchmarks.peers.environment import PeerTraining, Took, ask_peer
from benchmarks.recommender_data import FOLDER, load
from benchmarks.recommender_protocols import PROTOCOLS
from benchmarks.recommender_results import FILE
from benchmarks.results import Result, add_results

PROTOCOL = PROTOCOLS["ml1m_loo"]
TEN = 10
ANSWERS, ROUNDS = 20, 10
# The whole softmax against the whole softmax, a sample against a sample.
PAIRS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "epoch_cpu_ratio_rectools": ("rectools_sasrec", {}),
    "epoch_cpu_ratio_esasrec": ("rectools_esasrec", {"negatives": 256}),
}


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--share", type=float, default=0.2, help="of the customers")
    parser.add_argument("--only", choices=sorted(PAIRS), help="one comparison; answers come with the first")
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # the peer's process
    torch.set_num_threads(1)
    split = _some(PROTOCOL.split(load(PROTOCOL.data, asked.data).interactions), asked.share)
    words = f"{len(split.train):,} customers, one epoch each, d 64, 2 blocks, L 200, one core each"
    figures: list[Result] = []
    for name in [asked.only] if asked.only else PAIRS:
        peer, params = PAIRS[name]
        network, ours = _epoch(split, params)
        took = ask_peer(peer, split, TEN, PROTOCOL.exclude_seen, 0, PeerTraining(epochs=1))[1]
        theirs = took.learn_processor
        print(f"{name}: {ours:.1f} against {theirs:.1f} CPU s", flush=True)
        note = f"{words}; {ours:.1f} against {theirs:.1f} CPU s"
        figures.append(_figure(name, theirs / ours, "x", peer, note))
        if not params:
            figures.extend(_answers(network, split.test, peer, took))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures.append(_figure("peak_memory_gib", peak, "GiB", None, f"{words}; our process with its data"))
    add_results(FILE, figures)


def _some(split: Split, share: float) -> Split:
    """A share of the customers teaches; all are asked."""

    def of(part: pd.DataFrame) -> pd.DataFrame:
        return part[chosen_share(part[CUSTOMER_ID], share, "cost")]

    return Split(of(split.train), of(split.validation), split.test)


def _epoch(split: Split, params: Mapping[str, Any]) -> tuple[Transformer, float]:
    """A network after one epoch, and the processor seconds of it, validation included."""
    network = catalog.build("transformer", {**PROTOCOL.params_of("transformer"), **params})
    assert isinstance(network, Transformer)
    loop = PROTOCOL.network.loop.model_copy(update={"epochs": 1})
    return network, train_network(network, split.train, split.validation, loop).processor_seconds


def _answers(network: Transformer, examples: pd.DataFrame, peer: str, took: Took) -> list[Result]:
    """Ten items for all customers at once, and for each of some whose histories fill a window alone."""
    started, used = time.perf_counter(), time.process_time()
    with threadpool_limits(1):
        network.recommend(examples, TEN)
        seconds, used = time.perf_counter() - started, time.process_time() - used
        alone = _alone(network, examples)
    words = f"top {TEN} of {len(network.items):,}, seen filtered, one core"
    everyone = (
        f"{len(examples):,} customers at once, {words}; {used:.1f} against {took.answer_processor:.1f} CPU s"
    )
    one = f"one of {ANSWERS} customers with {network.config.length} interactions or hardly more, {words}"
    figures = [
        _figure("all_users_s", seconds, "s", None, everyone),
        _figure("all_users_ratio_rectools", took.answer_processor / used, "x", peer, everyone),
        _figure("one_user_p50_ms", alone * 1e3, "CPU ms", None, f"{one}, ONNX graph"),
    ]
    tables = {
        "one_user_ratio_rectools": ("its table of all customers, as is usual there", took.alone_processor),
        "one_user_small_ratio_rectools": ("a table of that customer alone", took.alone_small_processor),
    }
    for name, (table, theirs) in tables.items():
        beside = f"{one}; {alone * 1e3:.2f} against {theirs * 1e3:.0f} CPU ms from {table}"
        figures.append(_figure(name, theirs / alone, "x", peer, beside))
    return figures


def _alone(network: Transformer, examples: pd.DataFrame) -> float:
    """The median processor seconds of one customer's answer from the graph."""
    lengths = examples[HISTORY_ITEMS].map(len)
    asked = examples.loc[lengths[lengths >= network.config.length].nsmallest(ANSWERS).index]
    took = []
    with tempfile.TemporaryDirectory() as folder:
        network.save(Path(folder))
        write_graphs("transformer", network, Path(folder))
        model = open_model("transformer", Path(folder))
        for _ in range(ROUNDS):
            for row in asked.itertuples():
                items, times, as_of = (
                    getattr(row, name) for name in (HISTORY_ITEMS, HISTORY_TIMES, EVENT_TIMESTAMP)
                )
                started = time.process_time()
                model.recommend_one(items, times, as_of, TEN)
                took.append(time.process_time() - started)
    return float(np.median(took))


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
