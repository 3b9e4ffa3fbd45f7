"""Which features a model leans on, and which of them are worth what it costs to have them."""

from html import escape
from typing import Any

import numpy as np
import pandas as pd

from attune.columns import LABEL
from attune.config import Settings
from attune.errors import DataError
from attune.evaluation.ranks import rank_metrics

REPEATS = 10
_BAR, _ROW, _NAMES = 360, 22, 220


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


def permutation_importance(
    model: Any, examples: pd.DataFrame, least: float = 0.0, repeats: int = REPEATS, seed: int = 0
) -> list[Importance]:
    """Shuffle one feature after the other among N examples that the model has not seen (Breiman, 2001).

    Features that say the same cover for each other: each alone may seem worthless while both are not.

    Args:
        model: A trained scorer.
        examples: With label.
        least: What a feature must be worth, in ROC-AUC, to pay for what it costs.
        repeats: How many shuffles of each feature.
        seed: The same seed shuffles alike.

    Raises:
        DataError: The examples hold one label only.
    """
    labels = examples[LABEL].to_numpy(dtype=np.float64)
    if labels.min(initial=1) == labels.max(initial=0):
        raise DataError(f"all of {len(labels)} examples have the same label: nothing can be lost; take more")
    draw = np.random.default_rng(seed)
    whole = _auc(model, examples, labels)
    found = []
    for name in [*model.table.columns, *model.table.sequences]:
        losses = []
        for _ in range(repeats):
            shuffled = examples[name].iloc[draw.permutation(len(examples))]
            losses.append(whole - _auc(model, examples.assign(**{name: shuffled.to_numpy()}), labels))
        low, high = min(losses), max(losses)
        mean = float(np.mean(losses))
        found.append(Importance(feature=name, lost=mean, low=low, high=high, worth=low > least))
    return sorted(found, key=lambda each: -each.lost)


def importance_plot(found: list[Importance], title: str) -> str:
    """Draw importances as bars with their ranges, one SVG that asks for nothing from elsewhere."""
    farthest = max([each.high for each in found] + [1e-9])
    rows = "".join(_row(number, each, farthest) for number, each in enumerate(found))
    height = (len(found) + 1) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_NAMES + _BAR + 80} {height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>{rows}</svg>'
    )


def _row(number: int, each: Importance, farthest: float) -> str:
    def across(value: float) -> float:
        return round(_NAMES + _BAR * max(value, 0.0) / farthest, 1)

    top = number * _ROW + 4
    middle = top + 7
    colour = "#2b6cb0" if each.worth else "#a0aec0"
    length, low, high = round(across(each.lost) - _NAMES, 1), across(each.low), across(each.high)
    return (
        f'<text x="{_NAMES - 8}" y="{top + 11}" text-anchor="end">{escape(each.feature)}</text>'
        f'<rect x="{_NAMES}" y="{top}" width="{length}" height="14" fill="{colour}"/>'
        f'<line x1="{low}" x2="{high}" y1="{middle}" y2="{middle}" stroke="#1a202c"/>'
        f'<text x="{high + 6}" y="{top + 11}">{each.lost:.4f}</text>'
    )


def _auc(model: Any, examples: pd.DataFrame, labels: np.ndarray) -> float:
    once = np.ones((1, len(labels)), dtype=np.uint8)
    return float(rank_metrics(model.score(examples), labels, once, ("roc_auc",))["roc_auc"][0])
