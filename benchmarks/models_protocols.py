"""Each protocol: which data, who learns from what, and which figures come out of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from attune.evaluation.conformal import EVERYBODY, ConformalSets, measure_coverage
from attune.evaluation.decisions import best_threshold
from attune.training.cross_validation import Answers, Fold, nested_scores
from attune.training.loop_settings import LoopSettings
from benchmarks.models_bank import bank_forward, bank_shuffled
from benchmarks.models_data import Table, load
from benchmarks.models_figures import Figure, say, value
from benchmarks.models_runs import BLEND, NETWORK, SIMPLE, TREES, labels, per_fold, shuffled

# Larger leaves than these settings' own default cost accuracy where a table has few rows.
SMALL_TREES = {"rows_per_leaf": 20}


def telco(folder: Path, seeds: int) -> list[Figure]:
    """Stratified 5-fold with several seeds, no resampling; thresholds and sets are chosen inside."""
    table, loop = (
        load("telco", folder),
        LoopSettings(epochs=40, batch_size=256, learning_rate=2e-3, patience=6),
    )
    loop = loop.model_copy(update={"weight_decay": 0.1})
    params = {TREES: SMALL_TREES, BLEND: {"trees": SMALL_TREES}}
    answered = shuffled(table, (NETWORK, BLEND, *SIMPLE), params, loop, seeds)
    figures = per_fold("telco", labels(table), answered, {NETWORK: "telco_net", TREES: "telco_lightgbm"})
    pooled = {
        metric: np.mean([value(metric, said.scores, labels(table)) for _, said in answered[NETWORK]])
        for metric in ("ece", "top_decile_lift")
    }
    say("telco, pooled", {NETWORK: {name: float(found) for name, found in pooled.items()}})
    figures += [
        Figure("telco_ece", float(pooled["ece"]), "ece", NETWORK),
        Figure("telco_lift10", float(pooled["top_decile_lift"]), "lift", NETWORK),
    ]
    return figures + _chosen_inside(table, *answered[NETWORK][0], loop)


def _chosen_inside(table: Table, folds: Sequence[Fold], said: Answers, loop: LoopSettings) -> list[Figure]:
    """The decisions and the sets of one seed; threshold and calibration come from inner folds alone."""
    happened = labels(table)
    yes, sets = np.zeros(len(happened)), np.zeros((len(happened), 2), dtype=np.bool_)
    kept = []
    groups = table.examples["SeniorCitizen"].map({0: "younger", 1: "senior"}).to_numpy(dtype=object)
    for fold in folds:
        inside = np.full(len(happened), np.nan)
        for rows, scores in nested_scores(NETWORK, {}, loop, table.examples, fold, 3):
            inside[rows] = scores
        taught = np.flatnonzero(~np.isnan(inside))
        yes[fold.test] = said.scores[fold.test] >= best_threshold(inside[taught], happened[taught]).at
        conformal = ConformalSets.calibrate(inside[taught], happened[taught], 0.9, groups[taught])
        sets[fold.test] = conformal.sets(said.scores[fold.test], groups[fold.test])
        kept.append(measure_coverage(sets[fold.test], happened[fold.test])[EVERYBODY].coverage)
    hits = float((yes * happened).sum())
    found = {
        "f1": 2 * hits / (yes.sum() + happened.sum()),
        "precision": hits / yes.sum(),
        "recall": hits / happened.sum(),
    }
    by_group = measure_coverage(sets, happened, groups)
    covered = {name: float(each.coverage or np.nan) for name, each in by_group.items()}
    say("telco, chosen inside", {NETWORK: found, "coverage": covered})
    print(f"  coverage by split: {', '.join(f'{each:.3f}' for each in kept)}")
    return [
        *(Figure(f"telco_{name}", float(each), name, NETWORK) for name, each in found.items()),
        *(
            Figure(f"telco_coverage90{'' if name == EVERYBODY else f'_{name}'}", each, "share", NETWORK)
            for name, each in covered.items()
        ),
        Figure("telco_set_size90", float(by_group[EVERYBODY].mean_size or np.nan), "labels", NETWORK),
    ]


PROTOCOLS: Mapping[str, tuple[str, str, Callable[[Path, int], list[Figure]]]] = {
    "telco": ("IBM Telco churn", "stratified 5-fold, no resampling", telco),
    "bank_shuffled": ("Bank Marketing without duration", "shuffled stratified 5-fold", bank_shuffled),
    "bank_forward": ("Bank Marketing without duration", "five forward blocks of time", bank_forward),
}
