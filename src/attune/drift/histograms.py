"""Two windows of a feature sorted into the same bins, which the reference alone defines.

Bins that depend on the current window would make the distance to it depend on one far value in it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.drift.verdicts import Bars

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BINS = 10  # of a number: tenths of the reference, the customary granularity of a stability index
CATEGORIES = 30  # at most so many of each window by name; what is rarer is counted together
MISSING = "missing"
_LABEL_LENGTH = 48


@dataclass(frozen=True)
class Histogram:
    """The bin of each row of both windows.

    Attributes:
        labels: What each of B bins holds, in the order in which people read them.
        reference: The bin of each reference row, 0 to B - 1.
        current: The bin of each current row.
    """

    labels: tuple[str, ...]
    reference: Ints
    current: Ints

    def bars(self) -> Bars:
        """The share of rows in each bin."""
        return Bars(
            labels=self.labels,
            reference=tuple(_shares(self.reference, len(self.labels))),
            current=tuple(_shares(self.current, len(self.labels))),
        )


def number_histogram(reference: pd.Series, current: pd.Series) -> Histogram:
    """Sort numbers into tenths of the reference; a value with a tenth of its own has a bin of its own.

    >>> number_histogram(pd.Series([0.0, 0.0, 0.0, 1.0]), pd.Series([0.0, 2.0, None])).labels
    ('0', '1', 'over 1', 'missing')
    """
    values = reference.dropna().to_numpy(dtype=np.float64)
    edges = _edges(values)
    labels = _number_labels(edges, whole=bool((values == np.round(values)).all()))
    return _without_empty(
        (*labels, MISSING), _bins(reference, edges, len(labels)), _bins(current, edges, len(labels))
    )


def category_histogram(reference: pd.Series, current: pd.Series) -> Histogram:
    """Sort categories by how frequent they are in the reference; what only the current window has follows."""
    reference, current = _texts(reference), _texts(current)
    named = list(dict.fromkeys([*_frequent(reference), *_frequent(current)]))
    labels = (*(_shorten(name) for name in named), "every other", MISSING)
    return _without_empty(labels, _places(reference, named), _places(current, named))


def _edges(values: Floats) -> Floats:
    """Upper ends of bins, each inclusive, from the quantiles of finite values."""
    tenths = np.quantile(values, np.arange(BINS + 1) / BINS, method="inverted_cdf")
    heavy = [low for low, high in pairwise(tenths) if low == high]
    return np.unique([*tenths[1:-1], *heavy, *np.nextafter(heavy, -np.inf)])


def _bins(values: pd.Series, edges: Floats, missing: int) -> Ints:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    bins = np.searchsorted(edges, numbers, side="left").astype(np.int64)
    bins[np.isnan(numbers)] = missing
    return bins


def _number_labels(edges: Floats, whole: bool) -> tuple[str, ...]:
    """What each bin holds; between two edges of whole numbers lie those after the lower one."""
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


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("string").astype(object)


def _frequent(values: pd.Series) -> list[str]:
    counts = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [str(name) for name in counts.index[:CATEGORIES]]


def _places(values: pd.Series, named: list[str]) -> Ints:
    places = pd.Index(named, dtype=object).get_indexer(pd.Index(values)).astype(np.int64)
    places[places < 0] = len(named)
    places[values.isna().to_numpy()] = len(named) + 1
    return places


def _shorten(text: str) -> str:
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"


def _without_empty(labels: tuple[str, ...], reference: Ints, current: Ints) -> Histogram:
    used, inverse = np.unique(np.concatenate([reference, current]), return_inverse=True)
    places: Ints = inverse.astype(np.int64)
    return Histogram(
        labels=tuple(labels[place] for place in used),
        reference=places[: len(reference)],
        current=places[len(reference) :],
    )


def _shares(bins: Ints, size: int) -> list[float]:
    return [float(count) for count in np.bincount(bins, minlength=size) / max(1, len(bins))]
