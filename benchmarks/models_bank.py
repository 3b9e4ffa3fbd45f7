"""Bank Marketing, both ways: what shuffled folds promise, and what the future keeps of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attune.training.cross_validation import Fold, cross_validate, forward_blocks
from attune.training.loop_settings import LoopSettings
from benchmarks.models_data import Table, load
from benchmarks.models_drift import drift_of
from benchmarks.models_figures import Figure, of_folds, say
from benchmarks.models_runs import BLEND, FOLDS, NETWORK, SIMPLE, TREES, asked, labels, per_fold, shuffled

_WINDOW = 6000
_MACRO = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")
# Chosen on an inner split of the first fold: more bins, members or layers gained nothing there.
_SETTINGS = {"width": 64, "blocks": 2, "bins": 32, "category_dim": 8, "dropout": 0.1}
_TREES = {"leaves": 15, "learning_rate": 0.03, "trees": 1500, "patience": 100, "rows_per_leaf": 50}
PARAMS: Mapping[str, Mapping[str, Any]] = {
    NETWORK: _SETTINGS,
    TREES: _TREES,
    BLEND: {**_SETTINGS, "trees": _TREES, "trees_share": 0.7},
}


def bank_shuffled(folder: Path, seeds: int) -> list[Figure]:
    """Shuffled 5-fold: what a table promises that is taken for timeless."""
    table, loop = load("bank", folder), _loop()
    answered = shuffled(table, (NETWORK, BLEND, *SIMPLE), PARAMS, loop, seeds)
    return per_fold("bank_shuffled", labels(table), answered, {NETWORK: "bank_shuffled"})


def bank_forward(folder: Path, seeds: int) -> list[Figure]:
    """Five forward blocks: all of the past teaches; or, rolling, its latest rows without macro columns."""
    table, loop = load("bank", folder), _loop()
    recent = Table(table.name, table.examples.drop(columns=list(_MACRO)))
    found: dict[str, dict[str, float]] = {}
    figures = []
    for suffix, data, window in (("", table, None), ("_rolling", recent, _WINDOW)):
        for name in (NETWORK, *SIMPLE):
            blocks = forward_blocks(labels(data), FOLDS, window=window)
            aucs = np.mean(
                [
                    of_folds(
                        "roc_auc",
                        labels(data),
                        asked(name, PARAMS.get(name, {}), loop, data, blocks, seed),
                        blocks,
                    )
                    for seed in range(seeds)
                ],
                axis=0,
            )
            found[f"{name}{suffix}"] = {f"block {n}": float(auc) for n, auc in enumerate(aucs, start=1)}
            of_model = "" if name == NETWORK else f"_{name}"
            figures.append(Figure(f"bank_forward{suffix}_auc{of_model}", float(aucs.mean()), "auc", name))
    static = _static(table, loop)
    found["churn_network, never retrained"] = {f"block {n}": auc for n, auc in enumerate(static, start=1)}
    figures.append(Figure("bank_forward_static_auc", float(np.mean(static)), "auc", NETWORK))
    figures += _gains(found, static)
    say("bank, forward blocks", found)
    return figures + _drift(table)


def _gains(found: dict[str, dict[str, float]], static: list[float]) -> list[Figure]:
    """What training again gains over a network that learnt once."""
    figures = []
    for name, suffix in ((NETWORK, ""), (f"{NETWORK}_rolling", "_rolling")):
        again = np.array(list(found[name].values()))
        figures.append(
            Figure(f"bank_forward{suffix}_minus_static_auc", float((again - static).mean()), "auc", NETWORK)
        )
    return figures


def _drift(table: Table) -> list[Figure]:
    """How many features of each block moved beyond their limits, against all that came before it."""
    figures = []
    for number, block in enumerate(forward_blocks(labels(table), FOLDS), start=1):
        before = table.examples.iloc[np.sort(np.concatenate([block.train, block.validation]))]
        word, sentence, moved = drift_of(before, table.examples.iloc[block.test])
        print(f"  block {number}: {word}. {sentence}", flush=True)
        figures.append(Figure(f"bank_forward_drift_{number}", float(moved), "features drifted", NETWORK))
    return figures


def _loop() -> LoopSettings:
    return LoopSettings(
        epochs=16, batch_size=256, learning_rate=1e-3, weight_decay=0.03, patience=4, average=0.998
    )


def _static(table: Table, loop: LoopSettings) -> list[float]:
    """A network that learnt before the first block and is asked about each without learning again."""
    blocks = forward_blocks(labels(table), FOLDS)
    everything = Fold(blocks[0].train, blocks[0].validation, np.concatenate([each.test for each in blocks]))
    said = cross_validate(NETWORK, _SETTINGS, loop, table.examples, [everything])
    return [float(each) for each in of_folds("roc_auc", labels(table), said, blocks)]
