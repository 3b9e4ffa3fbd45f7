"""Train recommenders on one split of a public data set and measure all of them with the same code.

`python -m benchmarks.recommender ml1m_loo` runs the simple models; `--model transformer` a network, and
`--model rectools_sasrec` a peer in its own environment. `--report` prints every metric instead of three.
`--checkpoint FOLDER` lets a network go on where it was interrupted, and
`torchrun --nproc_per_node 2 -m benchmarks.recommender ml1m_loo --model transformer` trains in two processes.
"""

import argparse
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attune.errors import AttuneError
from attune.evaluation.accuracy import Recommended
from attune.evaluation.list_report import LENGTHS, report_lists
from attune.evaluation.protocols import Split
from attune.evaluation.ranking import METRICS, compare_recommenders, evaluate_recommender
from attune.evaluation.results import Evaluation
from attune.evaluation.variety import item_facts
from attune.models import catalog
from attune.models.base import Fittable
from attune.training.loop_settings import LoopSettings
from benchmarks.peers.environment import PEERS, ask_peer
from benchmarks.recommender_data import FOLDER, Data, load
from benchmarks.recommender_protocols import PROTOCOLS, Protocol
from benchmarks.recommender_results import record

PEER_EPOCHS = 30


def main() -> None:
    """Run one protocol, print its table and record it."""
    asked = _arguments()
    protocol = PROTOCOLS[asked.protocol]
    try:
        data = load(protocol.data, asked.data)
    except AttuneError as error:
        print(f"skipped {asked.protocol}: {error}")
        return
    split = protocol.split(data.interactions)
    print(
        f"{asked.protocol}: {data.name}, {protocol.words}; {len(split.train):,} customers teach, "
        f"{len(split.test):,} examples ask"
    )
    width = max(LENGTHS) if asked.report else LENGTHS[0]
    lists: dict[str, Recommended] = {}
    measured: dict[str, Evaluation] = {}
    for name in asked.model or protocol.models:
        lists[name], seconds = _recommended(name, protocol, split, width, asked)
        if int(os.environ.get("RANK", "0")):
            continue  # this process only helps to train
        measured[name] = evaluate_recommender(lists[name][:, : LENGTHS[0]], split.test, sum(seconds))
        _say(name, measured[name], seconds)
        if asked.report:
            _say_everything(lists[name], split, data)
    if measured:
        _compare(lists, measured, split)
    if measured and not asked.dry:
        words = f"{protocol.words}; seed {asked.seed}"
        record(asked.protocol, data.name, words, measured, protocol.network.name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("protocol", choices=sorted(PROTOCOLS))
    parser.add_argument("--model", action="append", choices=[*catalog.MODELS, *PEERS])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--epochs", type=int, help=f"of networks; otherwise our own, and {PEER_EPOCHS} of peers"
    )
    parser.add_argument("--checkpoint", type=Path, help="folder in which networks keep where they are")
    parser.add_argument("--report", action="store_true", help="print every metric at 10, 50 and 100")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    return parser.parse_args()


def _recommended(
    name: str, protocol: Protocol, split: Split, k: int, asked: argparse.Namespace
) -> tuple[Recommended, tuple[float, float]]:
    """The lists of one model, and the seconds it took to learn and to answer."""
    if name in PEERS:
        epochs = asked.epochs or PEER_EPOCHS
        lists, took = ask_peer(name, split, k, protocol.exclude_seen, asked.seed, epochs)
        return lists, (took.learn, took.answer)
    model: Any = catalog.build(name, protocol.params_of(name))
    own = protocol.network.loop
    loop = own.model_copy(update={"seed": asked.seed, "epochs": asked.epochs or own.epochs})
    checkpoint = asked.checkpoint and asked.checkpoint / f"{asked.protocol}-{name}-{asked.seed}.safetensors"
    seconds = _teach(model, split, loop, checkpoint)
    learnt = time.perf_counter()
    found: Recommended = model.recommend(split.test, k)[0]
    return found, (seconds, time.perf_counter() - learnt)


def _teach(model: Any, split: Split, loop: LoopSettings, checkpoint: Path | None) -> float:
    """The seconds it took, an interrupted beginning included."""
    started = time.perf_counter()
    if isinstance(model, Fittable):
        model.fit(split.train, split.validation)
        return time.perf_counter() - started
    from attune.training.loop import train_network

    result = train_network(model, split.train, split.validation, loop, checkpoint)
    print(
        f"best epoch {result.best_epoch} of {result.epochs}, {result.processor_seconds:.0f} CPU s", flush=True
    )
    return result.seconds


def _say(name: str, found: Evaluation, seconds: tuple[float, float]) -> None:
    values = "  ".join(f"{metric} {found.metrics[metric].value or np.nan:.4f}" for metric in METRICS)
    print(f"{name:20} {values}  learnt in {seconds[0]:.1f} s, answered in {seconds[1]:.1f} s", flush=True)


def _say_everything(lists: Recommended, split: Split, data: Data) -> None:
    for name, metric in report_lists(lists, split.test, item_facts(split.train, data.category)).items():
        print(f"    {name:22} {metric.reason or f'{metric.value:.4f}'}")


def _compare(lists: Mapping[str, Recommended], measured: Mapping[str, Evaluation], split: Split) -> None:
    """Say how far the best is ahead of each other one, with its paired interval."""
    best = max(measured, key=lambda name: measured[name].metrics[METRICS[0]].value or 0.0)
    for name in measured:
        if name != best:
            found = compare_recommenders(
                (best, lists[best][:, : LENGTHS[0]]), (name, lists[name][:, : LENGTHS[0]]), split.test
            )
            print(f"{best} - {name}: {found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}] {found.metric}")


if __name__ == "__main__":
    main()
