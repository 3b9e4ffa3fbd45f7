"""The smallest allowed change that turns a decision round, checked by asking the model again."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from attune.config import Settings
from attune.errors import ModelError

Direction = Literal["any", "up", "down"]
MOST_CHANGES = 3
_STEPS = 20  # values that are tried of a number: quantiles of the reference


class Change(Settings):
    """One feature, as it is and as it would have to be."""

    feature: str
    found: str
    wanted: str


class Counterfactual(Settings):
    """What would have turned the decision round.

    Attributes:
        changes: At most three; the smallest that was found, by shares of the customers who lie between.
        before: The score of the example.
        after: The score with the changes, asked again: it lies on the other side of the threshold.
    """

    changes: list[Change]
    before: float
    after: float
    threshold: float


def find_counterfactual(
    model: Any,
    example: pd.DataFrame,
    reference: pd.DataFrame,
    allowed: Mapping[str, Direction],
    threshold: float,
) -> Counterfactual | None:
    """Find the smallest allowed change of one example that turns its decision round.

    Each feature that may change is moved to values that other customers have; where no single one is enough,
    the change that brings the score nearest to the threshold is kept and the next feature is tried.

    Args:
        model: A trained scorer.
        example: One row.
        reference: Rows whose values count as possible: those that a version keeps.
        allowed: Feature -> whether it may grow, shrink or both; what is not named never changes.
        threshold: A score at or above it is a yes.

    Returns:
        The change, or None where none of up to three features turns the decision round.

    Raises:
        ModelError: There is not exactly one example, or a feature that may change is not known.
    """
    unknown = [name for name in allowed if name not in reference or name not in example]
    if len(example) != 1 or unknown:
        raise ModelError(
            f"{len(example)} examples, and no values of {unknown}: give one example and features that "
            "both it and the reference have"
        )
    before = float(model.score(example)[0])
    now, changed = example, list[str]()
    for _ in range(min(MOST_CHANGES, len(allowed))):
        tried = _tried(now, reference, {name: allowed[name] for name in allowed if name not in changed})
        if tried is None:
            return None
        rows, names, sizes = tried
        scores = model.score(rows)
        turned = (scores >= threshold) != (before >= threshold)
        best = int(
            np.argmin(np.where(turned, sizes, np.inf)) if turned.any() else np.argmin(abs(scores - threshold))
        )
        now, changed = rows.iloc[[best]], [*changed, names[best]]
        if turned.any():
            return _found(example, now, changed, before, float(model.score(now)[0]), threshold)
    return None


def _tried(
    example: pd.DataFrame, reference: pd.DataFrame, allowed: Mapping[str, Direction]
) -> tuple[pd.DataFrame, list[str], np.ndarray] | None:
    """The example with each single change, which feature it is of, and how large it is."""
    rows, names, sizes = [], [], []
    for name, direction in allowed.items():
        for value, size in _values(example[name].iloc[0], reference[name].dropna(), direction):
            rows.append(example.assign(**{name: value}))
            names.append(name)
            sizes.append(size)
    return (pd.concat(rows, ignore_index=True), names, np.array(sizes)) if rows else None


def _values(found: Any, known: pd.Series, direction: Direction) -> Iterable[tuple[Any, float]]:
    """Other values and the share of the customers that lies between; another word is half of them."""
    if not pd.api.types.is_numeric_dtype(known):
        yield from ((word, 0.5) for word in sorted(known.unique()) if word != found)
        return
    grid = np.unique(np.quantile(known, np.linspace(0, 1, _STEPS + 1), method="nearest"))
    for value in grid:
        up = value > found
        if value == found or (direction == "up" and not up) or (direction == "down" and up):
            continue
        low, high = sorted((found, value))
        yield value, float(((known > low) & (known <= high)).mean())


def _found(
    example: pd.DataFrame,
    now: pd.DataFrame,
    changed: list[str],
    before: float,
    after: float,
    threshold: float,
) -> Counterfactual:
    changes = [
        Change(feature=name, found=str(example[name].iloc[0]), wanted=str(now[name].iloc[0]))
        for name in changed
    ]
    return Counterfactual(changes=changes, before=before, after=after, threshold=threshold)
