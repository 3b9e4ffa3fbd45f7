"""From what a scorer says to how often it happens: as it is, by one temperature, or along a rising curve.

Which of the three, held-out examples decide: each way is learnt from some of their customers and judged by
the others. N examples, Q knots of the curve.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from attune.columns import CUSTOMER_ID
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats
from attune.models.tabular import labels_of
from attune.models.temperature import COLDEST, HOTTEST, best_temperature, sigmoid

CALIBRATION_FILE = "calibration.json"
FOLDS = 5
Way = Literal["none", "temperature", "isotonic"]
WAYS: tuple[Way, ...] = ("none", "temperature", "isotonic")  # the simplest first

# The curve has level parts; with so much of the score itself, nobody who scored higher ends up equal.
_RISES = 0.01
_SUREST = 1e-7


class Calibration(Settings):
    """The way that was chosen, and what each would have lost.

    Attributes:
        way: How log odds become probabilities.
        temperature: What log odds are divided by.
        said: Probabilities at which the curve has a knot, rising, shape [Q].
        meant: How often it happened there, never falling, shape [Q].
        losses: Way -> log loss on customers that it was not learnt from; empty where nothing was compared.
        rows: How many held-out examples there were.
    """

    way: Way = "none"
    temperature: float = Field(default=1.0, ge=COLDEST, le=HOTTEST)
    said: tuple[float, ...] = ()
    meant: tuple[float, ...] = ()
    losses: dict[Way, float] = Field(default_factory=dict)
    rows: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _has_a_curve_if_it_says_so(self) -> Self:
        if len(self.said) != len(self.meant) or (self.way == "isotonic") != bool(self.said):
            raise ValueError(f"{self.way} with {len(self.said)} knots and {len(self.meant)} values")
        return self

    def probabilities(self, log_odds: Floats) -> Floats:
        """What is meant by the log odds of N examples, shape [N]; the order of two never turns round."""
        said_N = sigmoid(log_odds / self.temperature)
        if self.way != "isotonic":
            return said_N
        return _RISES * said_N + (1 - _RISES) * np.interp(said_N, *self._curve)

    def probability(self, log_odds: float) -> float:
        """What is meant by the log odds of one example: for one, arrays cost more than the sums."""
        scaled = log_odds / self.temperature
        small = math.exp(-abs(scaled))
        said = (1.0 if scaled >= 0 else small) / (1.0 + small)
        if self.way != "isotonic":
            return said
        return _RISES * said + (1 - _RISES) * float(np.interp(said, *self._curve))

    @cached_property
    def _curve(self) -> tuple[Floats, Floats]:
        return np.array(self.said), np.array(self.meant)

    def save(self, folder: Path) -> None:
        """Write it beside the model that it belongs to."""
        (folder / CALIBRATION_FILE).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            ModelError: It is missing or unreadable.
        """
        try:
            return cls.model_validate_json((folder / CALIBRATION_FILE).read_bytes())
        except (OSError, ValidationError) as error:
            raise ModelError(
                f"{folder} holds no readable {CALIBRATION_FILE} ({error}); train and register again"
            ) from error


def choose_calibration(log_odds: Floats, held_out: pd.DataFrame) -> Calibration:
    """Choose the way that loses least on customers it was not learnt from, and learn it from all of them.

    Args:
        log_odds: What a model says about N held-out examples, shape [N].
        held_out: The examples, with label and customer.

    Returns:
        The simplest of the best ways; none of them where fewer than five customers have either label.
    """
    labels = labels_of(held_out)
    alone = pd.Series(np.arange(len(labels)))  # examples that name nobody are customers of their own
    fold_N = _folds(held_out.get(CUSTOMER_ID, alone), labels)
    if fold_N is None:
        return Calibration(rows=len(labels))
    losses: dict[Way, float] = {}
    for way in WAYS:
        said_N = np.empty(len(labels))
        for number in range(FOLDS):
            asked = fold_N == number
            learnt = _learn(way, log_odds[~asked], labels[~asked])
            said_N[asked] = learnt.probabilities(log_odds[asked])
        losses[way] = _log_loss(said_N, labels)
    best = min(losses, key=losses.__getitem__)  # the first, that is the simplest, of equals
    return _learn(best, log_odds, labels).model_copy(update={"losses": losses, "rows": len(labels)})


def rising(values: Floats, weights: Floats) -> Floats:
    """The rising sequence that is nearest in weighted squares, shape [N].

    By pooling adjacent violators (Ayer and others, 1955).

    >>> rising(np.array([1.0, 3.0, 2.0]), np.ones(3)).tolist()
    [1.0, 2.5, 2.5]
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        pool = value, weight, 1
        while pools and pools[-1][0] >= pool[0]:
            before = pools.pop()
            both = before[1] + pool[1]
            pool = (before[0] * before[1] + pool[0] * pool[1]) / both, both, before[2] + pool[2]
        pools.append(pool)
    return np.repeat([pool[0] for pool in pools], [pool[2] for pool in pools])


def _learn(way: Way, log_odds: Floats, labels: Floats) -> Calibration:
    if way == "temperature":
        # Few rows may be told apart without a mistake by luck: their labels are taken as less than sure
        # (Platt, 1999, Probabilistic outputs for support vector machines).
        happened = labels.sum()
        sure, unlikely = (happened + 1) / (happened + 2), 1 / (len(labels) - happened + 2)
        softer = np.where(labels == 1, sure, unlikely)
        return Calibration(way=way, temperature=best_temperature(log_odds, softer))
    if way == "isotonic":
        said, meant = _knots(sigmoid(log_odds), labels)
        return Calibration(way=way, said=tuple(said), meant=tuple(meant))
    return Calibration()


def _knots(scores: Floats, labels: Floats) -> tuple[Sequence[float], Sequence[float]]:
    """Where the rising curve bends; what few rows never saw is not impossible for that."""
    said_U, place_N, count_U = np.unique(scores, return_inverse=True, return_counts=True)
    weight_U = count_U.astype(np.float64)
    share_U = np.bincount(place_N, labels) / weight_U
    least = 1 / (len(labels) + 2)
    meant_U = rising(share_U, weight_U).clip(least, 1 - least)
    bends = np.ones(len(said_U), dtype=np.bool_)
    bends[1:-1] = (meant_U[1:-1] != meant_U[:-2]) | (meant_U[1:-1] != meant_U[2:])
    return said_U[bends].tolist(), meant_U[bends].tolist()


def _folds(customers: pd.Series, labels: Floats) -> Floats | None:
    """The fold of each row by its customer, shape [N]; None where a label is too rare to be dealt."""
    customer_N, _ = pd.factorize(customers)
    if min(len(np.unique(customer_N[labels == label])) for label in (0, 1)) < FOLDS:
        return None
    place_N = np.empty(len(labels))
    order = np.random.default_rng(0).permutation(int(customer_N.max()) + 1)
    place_N[:] = order[customer_N] % FOLDS
    return place_N


def _log_loss(scores: Floats, labels: Floats) -> float:
    said = np.clip(np.where(labels == 1, scores, 1 - scores), _SUREST, 1)
    return float(-np.log(said).mean())
