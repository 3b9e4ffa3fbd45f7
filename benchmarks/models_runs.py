"""How a model is asked by folds, and the figures of many models on the same folds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attune.columns import LABEL
from attune.models.base import Floats
from attune.training.cross_validation import Answers, Fold, cross_validate, stratified_folds
from attune.training.loop_settings import LoopSettings
from benchmarks.models_data import Table
from benchmarks.models_figures import Figure, gap, of_folds, say

NETWORK, TREES, BLEND = "churn_network", "gradient_boosting", "blend"
SIMPLE = ("logistic_regression", "random_forest", TREES)
FOLDS = 5
PER_FOLD = {"auc": "roc_auc", "ap": "pr_auc", "log_loss": "log_loss"}

Answered = Mapping[str, list[tuple[Sequence[Fold], Answers]]]


def shuffled(
    table: Table, names: Sequence[str], params: Mapping[str, Any], loop: LoopSettings, seeds: int
) -> Answered:
    """Ask models about every row, by folds that each seed deals anew."""
    answered: dict[str, list[tuple[Sequence[Fold], Answers]]] = {name: [] for name in names}
    for seed in range(seeds):
        folds = stratified_folds(labels(table), FOLDS, seed)
        for name in names:
            answered[name].append((folds, asked(name, params.get(name, {}), loop, table, folds, seed)))
    return answered


def asked(
    name: str, params: Mapping[str, Any], loop: LoopSettings, table: Table, folds: list[Fold], seed: int
) -> Answers:
    """Ask one model by folds, with the networks' own seed."""
    seeded = loop.model_copy(update={"seed": seed})
    answers = cross_validate(name, params, seeded, table.examples, folds)
    print(f"  {name}, seed {seed}: {np.mean(answers.seconds):.1f} s a fold", flush=True)
    return answers


def per_fold(prefix: str, labels: Floats, answered: Answered, begins: Mapping[str, str]) -> list[Figure]:
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


def labels(table: Table) -> Floats:
    """What happened, 0 or 1, shape [N]."""
    return table.examples[LABEL].to_numpy(dtype=np.float64)
