"""Each protocol: which data, who learns from what, and which figures come out of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attune.columns import LABEL
from attune.evaluation.conformal import EVERYBODY, ConformalSets, measure_coverage
from attune.evaluation.decisions import best_threshold
from attune.models.base import Floats
from attune.training.cross_validation import (
    Answers,
    Fold,
    cross_validate,
    forward_blocks,
    nested_scores,
    stratified_folds,
)
from attune.training.loop_settings import LoopSettings
from benchmarks.models_data import Table, load
from benchmarks.models_figures import Figure, gap, of_folds, say, value

NETWORK, TREES, BLEND = "churn_network", "gradient_boosting", "blend"
SIMPLE = ("logistic_regression", "random_forest", TREES)
FOLDS = 5
PER_FOLD = {"auc": "roc_auc", "ap": "pr_auc", "log_loss": "log_loss"}
# Larger leaves than these settings' own default cost accuracy where a table has few rows.
SMALL_TREES = {"rows_per_leaf": 20}
_BANK_WINDOW = 6000
_MACRO = ("emp.var.rate", "cons.price.idx", "cons.conf.idx", "euribor3m", "nr.employed")

Answered = Mapping[str, list[tuple[Sequence[Fold], Answers]]]


def telco(folder: Path, seeds: int) -> list[Figure]:
    """Stratified 5-fold with several seeds, no resampling; thresholds and sets are chosen inside."""
    table, loop = (
        load("telco", folder),
        LoopSettings(epochs=40, batch_size=256, learning_rate=2e-3, patience=6),
    )
    loop = loop.model_copy(update={"weight_decay": 0.1})
    params = {TREES: SMALL_TREES, BLEND: {"trees": SMALL_TREES}}
    answered = _shuffled(table, (NETWORK, BLEND, *SIMPLE), params, loop, seeds)
    figures = _per_fold("telco", _labels(table), answered, {NETWORK: "telco_net", TREES: "telco_lightgbm"})
    pooled = {
        metric: np.mean([value(metric, said.scores, _labels(table)) for _, said in answered[NETWORK]])
        for metric in ("ece", "top_decile_lift")
    }
    say("telco, pooled", {NETWORK: {name: float(found) for name, found in pooled.items()}})
    figures += [
        Figure("telco_ece", float(pooled["ece"]), "ece", NETWORK),
        Figure("telco_lift10", float(pooled["top_decile_lift"]), "lift", NETWORK),
    ]
    return figures + _chosen_inside(table, *answered[NETWORK][0], loop)


def bank_shuffled(folder: Path, seeds: int) -> list[Figure]:
    """Shuffled 5-fold: what a table promises that is taken for timeless."""
    table, loop = load("bank", folder), _bank_loop()
    answered = _shuffled(table, (NETWORK, BLEND, *SIMPLE), {}, loop, seeds)
    return _per_fold("bank_shuffled", _labels(table), answered, {NETWORK: "bank_shuffled"})


def bank_forward(folder: Path, seeds: int) -> list[Figure]:
    """Five forward blocks: all of the past teaches; or, rolling, its latest rows without macro columns."""
    table, loop = load("bank", folder), _bank_loop()
    recent = Table(table.name, table.examples.drop(columns=list(_MACRO)))
    found: dict[str, dict[str, float]] = {}
    figures = []
    for suffix, data, window in (("", table, None), ("_rolling", recent, _BANK_WINDOW)):
        for name in (NETWORK, *SIMPLE):
            blocks = forward_blocks(_labels(data), FOLDS, window=window)
            aucs = np.mean(
                [
                    of_folds("roc_auc", _labels(data), _asked(name, {}, loop, data, blocks, seed), blocks)
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
    say("bank, forward blocks", found)
    return figures


PROTOCOLS: Mapping[str, tuple[str, str, Callable[[Path, int], list[Figure]]]] = {
    "telco": ("IBM Telco churn", "stratified 5-fold, no resampling", telco),
    "bank_shuffled": ("Bank Marketing without duration", "shuffled stratified 5-fold", bank_shuffled),
    "bank_forward": ("Bank Marketing without duration", "five forward blocks of time", bank_forward),
}


def _bank_loop() -> LoopSettings:
    return LoopSettings(epochs=10, batch_size=512, learning_rate=2e-3, weight_decay=0.1, patience=2)


def _shuffled(
    table: Table, names: Sequence[str], params: Mapping[str, Any], loop: LoopSettings, seeds: int
) -> Answered:
    answered: dict[str, list[tuple[Sequence[Fold], Answers]]] = {name: [] for name in names}
    for seed in range(seeds):
        folds = stratified_folds(_labels(table), FOLDS, seed)
        for name in names:
            answered[name].append((folds, _asked(name, params.get(name, {}), loop, table, folds, seed)))
    return answered


def _asked(
    name: str, params: Mapping[str, Any], loop: LoopSettings, table: Table, folds: list[Fold], seed: int
) -> Answers:
    seeded = loop.model_copy(update={"seed": seed})
    answers = cross_validate(name, params, seeded, table.examples, folds)
    print(f"  {name}, seed {seed}: {np.mean(answers.seconds):.1f} s a fold", flush=True)
    return answers


def _per_fold(prefix: str, labels: Floats, answered: Answered, begins: Mapping[str, str]) -> list[Figure]:
    """Means over folds and seeds by model, seconds, and how far the network is from the trees."""
    figures, shown = [], {}
    of_model: dict[str, dict[str, Floats]] = {}
    for name, runs in answered.items():
        of_model[name] = {
            short: np.concatenate([of_folds(metric, labels, said, folds) for folds, said in runs])
            for short, metric in PER_FOLD.items()
        }
        start = begins.get(name)
        means = {short: float(values.mean()) for short, values in of_model[name].items()}
        seconds = float(np.mean([said.seconds for _, said in runs]))
        shown[name] = means | {"s/fold": seconds}
        for short, mean in (means | {"fit_s": seconds}).items():
            known = f"{start}_{short}" if start else f"{prefix}_{short}_{name}"
            figures.append(Figure(known, mean, "s" if short == "fit_s" else short, name))
    say(prefix, shown)
    apart = gap(of_model[NETWORK]["auc"], of_model[TREES]["auc"], 1 / (FOLDS - 1))
    print(f"  {NETWORK} - {TREES}: {apart.mean:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}] auc")
    named = {"mean": apart.mean, "low": apart.low, "high": apart.high}
    return figures + [
        Figure(f"{prefix}_net_minus_lightgbm_auc_{end}", each, "auc", NETWORK) for end, each in named.items()
    ]


def _chosen_inside(table: Table, folds: Sequence[Fold], said: Answers, loop: LoopSettings) -> list[Figure]:
    """The decisions and the sets of one seed; threshold and calibration come from inner folds alone."""
    labels = _labels(table)
    yes, sets = np.zeros(len(labels)), np.zeros((len(labels), 2), dtype=np.bool_)
    kept = []
    groups = table.examples["SeniorCitizen"].map({0: "younger", 1: "senior"}).to_numpy(dtype=object)
    for fold in folds:
        inside = np.full(len(labels), np.nan)
        for rows, scores in nested_scores(NETWORK, {}, loop, table.examples, fold, 3):
            inside[rows] = scores
        taught = np.flatnonzero(~np.isnan(inside))
        yes[fold.test] = said.scores[fold.test] >= best_threshold(inside[taught], labels[taught]).at
        conformal = ConformalSets.calibrate(inside[taught], labels[taught], 0.9, groups[taught])
        sets[fold.test] = conformal.sets(said.scores[fold.test], groups[fold.test])
        kept.append(measure_coverage(sets[fold.test], labels[fold.test])[EVERYBODY].coverage)
    hits = float((yes * labels).sum())
    found = {
        "f1": 2 * hits / (yes.sum() + labels.sum()),
        "precision": hits / yes.sum(),
        "recall": hits / labels.sum(),
    }
    by_group = measure_coverage(sets, labels, groups)
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


def _static(table: Table, loop: LoopSettings) -> list[float]:
    """A network that learnt before the first block and is asked about each without learning again."""
    blocks = forward_blocks(_labels(table), FOLDS)
    everything = Fold(blocks[0].train, blocks[0].validation, np.concatenate([each.test for each in blocks]))
    said = cross_validate(NETWORK, {}, loop, table.examples, [everything])
    return [float(each) for each in of_folds("roc_auc", _labels(table), said, blocks)]


def _labels(table: Table) -> Floats:
    return table.examples[LABEL].to_numpy(dtype=np.float64)
