"""What each part of the transformer is worth: the same training without it, with several seeds, paired.

`python -m benchmarks.recommender_ablations` trains on MovieLens-100K, leave-one-out.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from attune.evaluation.accuracy import Recommended
from attune.evaluation.protocols import Split
from attune.evaluation.ranking import K, compare_recommenders, evaluate_recommender
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from benchmarks.recommender_data import FOLDER, load
from benchmarks.recommender_protocols import PROTOCOLS
from benchmarks.recommender_results import Measurement, record, record_differences

NAME = "ml100k_loo"
PROTOCOL = PROTOCOLS[NAME]
WHOLE = "whole"


@dataclass(frozen=True)
class Variant:
    """A network with something left out."""

    params: Mapping[str, Any] = field(default_factory=dict)
    loop: Mapping[str, Any] = field(default_factory=dict)


VARIANTS: Mapping[str, Variant] = {
    WHOLE: Variant(),
    "without_gates": Variant(params={"gated": False}),
    "without_average": Variant(loop={"average": 0.0}),
    "absolute_positions": Variant(params={"positions": "absolute"}),
    "without_positions": Variant(params={"positions": "none"}),
}


def main() -> None:
    """Train all variants with all seeds, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the data sets")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = load(PROTOCOL.data, asked.data)
    split = PROTOCOL.split(data.interactions)
    lists = {
        name: [_lists(variant, split, seed) for seed in asked.seed] for name, variant in VARIANTS.items()
    }
    measured = {
        name: [evaluate_recommender(each, split.test) for each in found] for name, found in lists.items()
    }
    examples = pd.concat([split.test] * len(asked.seed), ignore_index=True)
    together = {name: np.concatenate(found) for name, found in lists.items()}
    differences = [
        compare_recommenders((WHOLE, together[WHOLE]), (name, together[name]), examples)
        for name in VARIANTS
        if name != WHOLE
    ]
    for found in differences:
        print(f"{WHOLE} - {found.b}: {found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}] {found.metric}")
    command = f"python -m benchmarks.recommender_ablations --seed {' '.join(map(str, asked.seed))}"
    measurement = Measurement(f"ablation_{NAME}", data.name, PROTOCOL.words, WHOLE, asked.seed, command)
    record(measurement, measured)
    record_differences(measurement, differences)


def _lists(variant: Variant, split: Split, seed: int) -> Recommended:
    config = Transformer.Config.parse({**PROTOCOL.params_of("transformer"), **variant.params})
    network = Transformer(config)
    loop = PROTOCOL.network.loop.model_copy(update={"seed": seed, **variant.loop})
    train_network(network, split.train, split.validation, loop)
    lists: Recommended = network.recommend(split.test, K)[0]
    return lists


if __name__ == "__main__":
    main()
