"""Measure the models of customers on public data: `python -m benchmarks.models telco bank_shuffled`.

Data that are not there are skipped. Figures of other protocols stay as they are. `--home` names a workspace
in which churn or response was trained on the default data: its figures are what the pipeline measured there.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from attune.errors import AttuneError
from attune.evaluation.fairness import group_fairness
from benchmarks.models_data import FOLDER
from benchmarks.models_figures import Figure
from benchmarks.models_journey import journey
from benchmarks.models_protocols import PROTOCOLS
from benchmarks.models_runs import NETWORK
from benchmarks.results import Result, add_results

FILE = "models"
OURS = (NETWORK, "response_network")


def main() -> None:
    """Run protocols, print their tables and record them."""
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    if asked.home is not None:
        _record_journey(asked.home)
        return
    _record_fairness()
    for name in asked.protocol or PROTOCOLS:
        data, words, run = PROTOCOLS[name]
        try:
            figures = run(asked.data, asked.seeds)
        except AttuneError as error:
            print(f"skipped {name}: {error}")
            continue
        if not asked.dry:
            record(figures, data, f"{words}; {asked.seeds} seeds", f"make bench-models PROTOCOL={name}")


def _record_journey(home: Path) -> None:
    for model in ("churn", "response"):
        try:
            figures = journey(home, model)
        except AttuneError as error:
            print(f"skipped {model}: {error}")
            continue
        command = f"attune run training --model {model}; python -m benchmarks.models --home FOLDER"
        record(figures, "The Complete Journey", "time split, as params.yaml has it", command)


def _record_fairness() -> None:
    """The seconds of 2,000 replicates of five rates over 50,000 rows in four groups."""
    draw = np.random.default_rng(0)
    decisions, labels = (draw.random((2, 50_000)) < 0.3).astype(np.int64)
    groups = draw.integers(4, size=50_000)
    started = time.perf_counter()
    group_fairness(decisions, labels, groups, replicates=2000)
    seconds = time.perf_counter() - started
    print(f"group fairness with intervals: {seconds:.2f} s")
    figure = Figure("fairness_ci_s", seconds, "s", NETWORK)
    record([figure], "generated: 50,000 rows, 4 groups", "2,000 replicates, five rates", "make bench-models")


def record(figures: list[Figure], data: str, protocol: str, command: str) -> None:
    """Write figures beside those that are there; the same id is replaced."""
    new = [
        Result.here(
            name=figure.id,
            value=round(figure.value, 5),
            unit=figure.unit,
            peer=None if figure.model in OURS else figure.model,
            data=data,
            protocol=protocol,
            command=command,
        )
        for figure in figures
    ]
    add_results(FILE, new)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("protocol", nargs="*", choices=[*PROTOCOLS, []])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--threads", type=int, default=1, help="of the networks, fixed so that seconds compare"
    )
    parser.add_argument("--home", type=Path, help="a workspace: record what its pipelines measured, no more")
    parser.add_argument("--dry", action="store_true", help="record nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
