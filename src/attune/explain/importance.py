"""Which features a model leans on, and which of them are worth what it costs to have them."""

from typing import Any

import numpy as np
import pandas as pd

from attune.columns import LABEL
from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.ranks import rank_metrics

IMPORTANCE_FILE = "importance.json"
REPEATS = 3
ROWS = 300  # enough to tell what a model leans on from what it does not; every training run pays for them


class Importance(Settings):
    """How much of a metric is lost when one feature is shuffled among the customers.

    Attributes:
        lost: The mean loss of ROC-AUC.
        low: The smallest loss of all shuffles.
        high: The largest.
        worth: Whether every shuffle lost more than `least`: a feature that is not worth its cost does not.
    """

    feature: str
    lost: float
    low: float
    high: float
    worth: bool


class Importances(Settings):
    """The whole of importance.json.

    Attributes:
        least: What a feature must be worth, in ROC-AUC, to pay for what it costs.
        features: By what is lost without them, most first.
    """

    rows: int
    repeats: int
    least: float
    features: list[Importance]


def permutation_importance(
    model: Any,
    examples: pd.DataFrame,
    least: float = 0.0,
    repeats: int = REPEATS,
    rows: int = ROWS,
    seed: int = 0,
) -> Importances:
    """Shuffle one feature after the other among examples that the model has not seen (Breiman, 2001).

    Features that say the same cover for each other: each alone may seem worthless while both are not.

    Args:
        model: A trained scorer.
        examples: With label.
        least: What a feature must be worth, in ROC-AUC, to pay for what it costs.
        repeats: How many shuffles of each feature.
        rows: Of more examples so many are drawn.
        seed: The same seed draws and shuffles alike.

    Raises:
        DataError: The examples hold one label only.
    """
    draw = np.random.default_rng(seed)
    sample = examples.iloc[np.sort(draw.permutation(len(examples))[:rows])]
    labels = sample[LABEL].to_numpy(dtype=np.float64)
    if labels.min(initial=1) == labels.max(initial=0):
        raise DataError(f"all of {len(labels)} examples have the same label: nothing can be lost; take more")
    whole = _aucs(model, sample, labels)[0]
    copies = pd.concat([sample] * repeats, ignore_index=True)
    found = []
    for name in [*model.table.columns, *model.table.sequences]:
        order = np.concatenate([draw.permutation(len(sample)) for _ in range(repeats)])
        shuffled = copies.assign(**{name: sample[name].array[order]})
        losses = [whole - auc for auc in _aucs(model, shuffled, labels)]
        low, high = min(losses), max(losses)
        mean = float(np.mean(losses))
        found.append(Importance(feature=name, lost=mean, low=low, high=high, worth=low > least))
    ordered = sorted(found, key=lambda each: -each.lost)
    return Importances(rows=len(sample), repeats=repeats, least=least, features=ordered)


def _aucs(model: Any, copies: pd.DataFrame, labels: np.ndarray) -> list[float]:
    """The ROC-AUC of each copy of the same examples, one below the other."""
    once = np.ones((1, len(labels)), dtype=np.uint8)
    scores = model.score(copies).reshape(-1, len(labels))
    return [float(rank_metrics(said, labels, once, ("roc_auc",))["roc_auc"][0]) for said in scores]
