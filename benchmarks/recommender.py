"""Train recommenders on one split of a public data set and measure all of them with the same code.

`python -m benchmarks.recommender ml1m_loo` runs the simple models; `--model transformer` a network, and
`--model rectools_sasrec` a peer in its own environment. `--report` prints every metric instead of three.
`--seed 0 1 2` trains networks and peers with each, and records the means. `--checkpoint FOLDER` lets a
network go on where it was interrupted, and does not repeat what is finished there. `--reach 0.17` measures
how long a network learns until its NDCG@10 on the test examples is that.
`torchrun --nproc_per_node 2 -m benchmarks.recommender ml1m_loo --model transformer` trains in two processes.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from attune.errors import AttuneError
from attune.evaluation.accuracy import Recommended
from attune.evaluation.list_report import LENGTHS, report_lists
from attune.evaluation.protocols import Split
from attune.evaluation.ranking import METRICS, compare_recommenders, evaluate_recommender
from attune.evaluation.results import Difference, Evaluation
from attune.evaluation.variety import item_facts
from attune.models import catalog
from benchmarks.peers.environment import PEERS
from benchmarks.recommender_data import FOLDER, Data, load
from benchmarks.recommender_protocols import PROTOCOLS, Protocol
from benchmarks.recommender_results import Measurement, record, record_differences, record_time
from benchmarks.recommender_runs import Run, Wish, kept_run


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
    runs: dict[str, list[Run]] = {}
    measured: dict[str, list[Evaluation]] = {}
    for name in asked.model or protocol.models:
        runs[name] = _runs(name, protocol, split, asked)
        if int(os.environ.get("RANK", "0")):
            continue  # this process only helps to train
        measured[name] = [_measured(name, run, split) for run in runs[name]]
        if asked.report:
            _say_everything(runs[name][0].lists, split, data)
    if not measured:
        return
    differences = _compare(runs, measured, protocol.network.name, split)
    if not asked.dry:
        _record(asked, data, runs, measured, differences)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("protocol", choices=sorted(PROTOCOLS))
    parser.add_argument("--model", action="append", choices=[*catalog.MODELS, *PEERS])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of networks and peers")
    parser.add_argument("--epochs", type=int, help="of our networks; otherwise those of the protocol")
    parser.add_argument(
        "--reach", type=float, help="note when a network's NDCG@10 on the test examples is that"
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="folder that keeps finished runs and where networks are"
    )
    parser.add_argument("--report", action="store_true", help="print every metric at 10, 50 and 100")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    return parser.parse_args()


def _runs(name: str, protocol: Protocol, split: Split, asked: argparse.Namespace) -> list[Run]:
    """The runs of one model, one a seed; simple models have no use for a second."""
    seeds = asked.seed[:1] if name in protocol.models else asked.seed
    width = max(LENGTHS) if asked.report else LENGTHS[0]
    runs = []
    for seed in seeds:
        place = asked.checkpoint and asked.checkpoint / f"{asked.protocol}-{name}-{seed}"
        wish = Wish(width, seed, asked.epochs, asked.reach)
        runs.append(kept_run(name, protocol, split, wish, place))
    return runs


def _measured(name: str, run: Run, split: Split) -> Evaluation:
    found = evaluate_recommender(run.lists[:, : LENGTHS[0]], split.test, run.took.learn + run.took.answer)
    values = "  ".join(f"{metric} {found.metrics[metric].value or np.nan:.4f}" for metric in METRICS)
    took = f"learnt in {run.took.learn_processor:.1f} CPU s, answered in {run.took.answer:.1f} s"
    print(f"{name:20} {values}  {took}", flush=True)
    return found


def _say_everything(lists: Recommended, split: Split, data: Data) -> None:
    for name, metric in report_lists(lists, split.test, item_facts(split.train, data.category)).items():
        print(f"    {name:22} {metric.reason or f'{metric.value:.4f}'}")


def _compare(
    runs: Mapping[str, Sequence[Run]], measured: Mapping[str, Sequence[Evaluation]], ours: str, split: Split
) -> list[Difference]:
    """How far our network, or the best where ours is not there, is ahead of each other, over all seeds."""
    best = ours if ours in runs else max(measured, key=lambda name: _mean_of_first_metric(measured[name]))
    seeds = max(map(len, runs.values()))
    examples = pd.concat([split.test] * seeds, ignore_index=True)
    differences = []
    for name in runs:
        if name != best:
            a, b = ((each, _lists(runs[each], seeds)) for each in (best, name))
            found = compare_recommenders(a, b, examples)
            print(f"{best} - {name}: {found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}] {found.metric}")
            differences.append(found)
    return differences


def _mean_of_first_metric(found: Sequence[Evaluation]) -> float:
    return float(np.mean([each.metrics[METRICS[0]].value or 0.0 for each in found]))


def _lists(runs: Sequence[Run], seeds: int) -> Recommended:
    """The lists of all seeds, one after the other; those of a model without seeds again and again."""
    return np.concatenate([runs[number % len(runs)].lists[:, : LENGTHS[0]] for number in range(seeds)])


def _record(
    asked: argparse.Namespace,
    data: Data,
    runs: Mapping[str, Sequence[Run]],
    measured: Mapping[str, Sequence[Evaluation]],
    differences: Sequence[Difference],
) -> None:
    protocol = PROTOCOLS[asked.protocol]
    ours = protocol.network.name
    words = protocol.words + f"; peers: {protocol.peers}" * any(name in PEERS for name in runs)
    measurement = Measurement(asked.protocol, data.name, words, ours, asked.seed, _command(asked))
    record(measurement, measured)
    record_differences(measurement, differences)
    reached = [run.reached for run in runs.get(ours, ())]
    known = [seconds for seconds in reached if seconds is not None]
    if asked.reach is not None and known and len(known) == len(reached):
        record_time(measurement, asked.reach, known)


def _command(asked: argparse.Namespace) -> str:
    """What to type to measure that again."""
    options = [f"--model {name}" for name in asked.model or ()]
    options += [f"--epochs {asked.epochs}"] * bool(asked.epochs)
    options += [f"--seed {' '.join(map(str, asked.seed))}"] * (asked.seed != [0])
    named = f' MODEL="{" ".join(options)}"' if options else ""
    return f"make bench-recommender PROTOCOL={asked.protocol}{named}"


if __name__ == "__main__":
    main()
