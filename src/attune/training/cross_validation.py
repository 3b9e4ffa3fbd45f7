"""Protocols of comparison: who learns from what, who is asked about what, and nothing that leaks between.

A model is always asked about rows that it has not seen in any way: neither to learn from, nor to stop at, nor
to choose a threshold or a calibration by. What has to be held out for those is cut from the rows that teach.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import LABEL
from attune.errors import DataError
from attune.models import catalog
from attune.models.base import Floats
from attune.training.loop_settings import LoopSettings
from attune.training.train import teach

Rows = npt.NDArray[np.int64]
HELD_OUT_SHARE = 0.1


@dataclass(frozen=True)
class Fold:
    """Numbers of the rows that teach, of those that stop and calibrate, and of those that are asked."""

    train: Rows
    validation: Rows
    test: Rows


@dataclass(frozen=True)
class Answers:
    """What one model said about rows that it had not seen.

    Attributes:
        scores: Probabilities, shape [N]; nan where a row was never asked.
        seconds: What each fold took to learn.
    """

    scores: Floats
    seconds: tuple[float, ...]


def stratified_folds(labels: Floats, folds: int, seed: int, held_out: float = HELD_OUT_SHARE) -> list[Fold]:
    """Deal N rows into folds with equal shares of each label; each row is asked once.

    Args:
        labels: 0 or 1, shape [N].
        folds: How many.
        seed: Another one deals otherwise.
        held_out: Which share of the other folds' rows stops and calibrates instead of teaching.

    Raises:
        DataError: A label has fewer rows than there are folds.
    """
    _require_rows(labels, folds)
    draw = np.random.default_rng(seed)
    fold_N = _dealt(labels, folds, draw)
    return [
        Fold(
            *_cut(np.flatnonzero(fold_N != number), labels, held_out, draw), np.flatnonzero(fold_N == number)
        )
        for number in range(folds)
    ]


def forward_blocks(
    labels: Floats, blocks: int, seed: int = 0, window: int | None = None, held_out: float = HELD_OUT_SHARE
) -> list[Fold]:
    """Cut N rows in order of time into blocks; each but the first is asked after what came before it.

    Args:
        labels: 0 or 1, oldest first, shape [N].
        blocks: How many are asked; the rows are cut into one more, for the first one only teaches.
        seed: Chooses the rows that stop and calibrate.
        window: Only so many of the latest rows teach; None takes all of the past.
        held_out: As in `stratified_folds`.

    Raises:
        DataError: There are fewer rows of a label than blocks.
    """
    _require_rows(labels, blocks + 1)
    draw = np.random.default_rng(seed)
    borders = np.linspace(0, len(labels), blocks + 2).astype(int)
    return [
        Fold(
            *_cut(np.arange(max(0, start - (window or start)), start), labels, held_out, draw),
            np.arange(start, end),
        )
        for start, end in pairwise(borders[1:])
    ]


def customer_folds(
    customers: pd.Series, folds: int, seed: int, held_out: float = HELD_OUT_SHARE
) -> list[Fold]:
    """Deal whole customers into folds: one who appears at several dates teaches or is asked, never both.

    Args:
        customers: The customer of each of N rows.
        folds: How many.
        seed: Another one deals otherwise.
        held_out: Which share of the other folds' customers stops and calibrates instead of teaching.

    Raises:
        DataError: There are too few customers.
    """
    customer_N, names = pd.factorize(customers)
    if len(names) < 2 * folds or folds < 2:
        raise DataError(
            f"{len(names)} customers cannot be dealt into {folds} folds; take more customers, or fewer folds "
            "but at least two"
        )
    draw = np.random.default_rng(seed)
    fold_N = (draw.permutation(len(names)) % folds)[customer_N]
    stops_N = (draw.random(len(names)) < held_out)[customer_N]
    return [
        Fold(
            np.flatnonzero((fold_N != number) & ~stops_N),
            np.flatnonzero((fold_N != number) & stops_N),
            np.flatnonzero(fold_N == number),
        )
        for number in range(folds)
    ]


def cross_validate(
    name: str, params: Mapping[str, Any], loop: LoopSettings, examples: pd.DataFrame, folds: list[Fold]
) -> Answers:
    """Ask one model of the catalogue about every row of every fold, learnt anew each time.

    Args:
        name: A scorer's name in the catalogue.
        params: Its `Config`, as plain values.
        loop: How a network learns.
        examples: N rows with features and label.
        folds: Who teaches and who is asked.

    Raises:
        ConfigError: There is no such model, or a parameter is unknown.
        ModelError: The examples cannot teach this model.
    """
    scores, seconds = np.full(len(examples), np.nan), []
    for fold in folds:
        started = time.perf_counter()
        model = fitted(name, params, loop, examples, fold)
        seconds.append(time.perf_counter() - started)
        scores[fold.test] = model.score(examples.iloc[fold.test])
    return Answers(scores, tuple(seconds))


def fitted(
    name: str, params: Mapping[str, Any], loop: LoopSettings, examples: pd.DataFrame, fold: Fold
) -> Any:
    """One model, learnt from one fold."""
    model = catalog.build(name, params)
    teach(model, examples.iloc[fold.train], examples.iloc[fold.validation], loop)
    return model


def nested_scores(
    name: str, params: Mapping[str, Any], loop: LoopSettings, examples: pd.DataFrame, fold: Fold, folds: int
) -> Iterator[tuple[Rows, Floats]]:
    """Scores of the rows that teach in a fold, each by a model that has not seen it: to choose something by.

    Args:
        name: As in `cross_validate`, like the three that follow.
        params: As there.
        loop: As there.
        examples: As there.
        fold: The outer fold; its test rows are not touched.
        folds: How many inner ones.

    Yields:
        Rows of the examples and their scores, an inner fold at a time.
    """
    inside = np.concatenate([fold.train, fold.validation])
    inner = examples.iloc[inside]
    for part in stratified_folds(inner[LABEL].to_numpy(dtype=np.float64), folds, loop.seed):
        model = fitted(name, params, loop, inner, part)
        yield inside[part.test], model.score(inner.iloc[part.test])


def _require_rows(labels: Floats, parts: int) -> None:
    counts = [int((labels == label).sum()) for label in (0, 1)]
    if min(counts) < parts or parts < 2:
        raise DataError(
            f"{counts[0]} rows with label 0 and {counts[1]} with label 1 cannot be dealt into {parts} parts; "
            "each part needs both labels: take more rows, or at least two and fewer parts"
        )


def _dealt(labels: Floats, folds: int, draw: np.random.Generator) -> Rows:
    """The number of each row's fold, shape [N]."""
    fold_N = np.empty(len(labels), dtype=np.int64)
    for label in (0, 1):
        rows = draw.permutation(np.flatnonzero(labels == label))
        fold_N[rows] = np.arange(len(rows)) % folds
    return fold_N


def _cut(rows: Rows, labels: Floats, share: float, draw: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows that teach and rows that are held out of them, the same share of each label."""
    chosen = [
        draw.permutation(of_label)[: max(1, round(share * len(of_label)))]
        for of_label in (rows[labels[rows] == 0], rows[labels[rows] == 1])
    ]
    held_out = np.sort(np.concatenate(chosen))
    return np.setdiff1d(rows, held_out), held_out
