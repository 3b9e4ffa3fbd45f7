"""The profiles of a feature in two windows, laid over the same bins, and how people read those bins."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from attune.drift.profile import CATEGORIES, Categories, CategoryGrid, Ints, NumberGrid, Numbers
from attune.drift.verdicts import Bars

MISSING = "missing"
OTHERS = "every other"
_LABEL_LENGTH = 48


@dataclass(frozen=True)
class Histogram:
    """How many rows of each window each bin has.

    Attributes:
        labels: What each of B bins holds, in the order in which people read them.
        reference: Rows, shape [B].
        current: Rows, shape [B].
    """

    labels: tuple[str, ...]
    reference: Ints
    current: Ints

    def bars(self) -> Bars:
        """The share of rows in each bin."""
        return Bars(labels=self.labels, reference=_shares(self.reference), current=_shares(self.current))


def number_histogram(grid: NumberGrid, reference: Numbers, current: Numbers) -> Histogram:
    """Lay numbers over tenths of the reference; missing ones are a bin of their own."""
    labels = (*_number_labels(grid.tenths, grid.whole), MISSING)
    starts = [0, *(grid.edges.index(tenth) + 1 for tenth in grid.tenths)]
    counts = (
        np.append(np.add.reduceat(np.array(side.counts, dtype=np.int64), starts), side.missing)
        for side in (reference, current)
    )
    return _without_empty(labels, *counts)


def category_histogram(grid: CategoryGrid, reference: Categories, current: Categories) -> Histogram:
    """Lay categories over those of the reference; the most frequent that only the current has follow."""
    newcomers = [name for name in current.counts if name not in grid.names]
    names = [*grid.names, *sorted(newcomers, key=lambda name: (-current.counts[name], name))[:CATEGORIES]]
    counts = (_named(side, names) for side in (reference, current))
    return _without_empty((*map(_shorten, names), OTHERS, MISSING), *counts)


def _named(side: Categories, names: Sequence[str]) -> Ints:
    named = [side.counts.get(name, 0) for name in names]
    return np.array([*named, side.rows - side.missing - sum(named), side.missing], dtype=np.int64)


def _number_labels(edges: Sequence[float], whole: bool) -> tuple[str, ...]:
    """What each bin holds; between two edges of whole numbers lie those after the lower one."""
    if not edges:
        return ("any",)
    heavy = [high == np.nextafter(low, np.inf) for low, high in pairwise(edges)]
    first = f"under {_digits(edges[1])}" if heavy and heavy[0] else f"up to {_digits(edges[0])}"
    between = (
        _digits(high) if alone else _range(np.floor(low) + 1 if whole else low, high)
        for (low, high), alone in zip(pairwise(edges), heavy, strict=True)
    )
    return (first, *between, f"over {_digits(edges[-1])}")


def _range(low: float, high: float) -> str:
    return _digits(high) if low >= high else f"{_digits(low)} to {_digits(high)}"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _shorten(text: str) -> str:
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"


def _without_empty(labels: Sequence[str], reference: Ints, current: Ints) -> Histogram:
    used = np.flatnonzero(reference + current).tolist()
    return Histogram(tuple(labels[place] for place in used), reference[used], current[used])


def _shares(counts: Ints) -> tuple[float, ...]:
    return tuple((counts / max(1, counts.sum())).tolist())
