"""What is kept of a window instead of its rows: a histogram a feature.

A profile is made in one pass, in memory that does not grow with the rows, and two profiles on the same grids
are merged by adding. Grids are the reference's alone: bins that depend on the current window would make the
distance to it depend on one far value in it. Counts are exact, so the same rows give the same profile.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from pydantic import Field

from attune.config import Settings
from attune.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

BINS = 10  # of a number: tenths of the reference, the customary granularity of a stability index
FINE = 40  # quantiles of the reference between which a distribution function is taken to be straight
# Edges beyond the outermost of them, in deviations of the reference: for a window that has moved far away.
BEYOND = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 16.0, 32.0, 64.0)
LEAST_SPREAD = 1e-3  # of a reference, below which its deviation counts as this
CATEGORIES = 30  # of the reference by name; what is rarer is counted together
NEWCOMERS = 1000  # names that the reference does not have, before the rest of them is counted together
_AT_ONCE = 16_384  # values that are sorted at once: they stay in the cache


class NumberGrid(Settings):
    """Upper ends of bins, each inclusive.

    Attributes:
        tenths: Of the bins of a stability index; a value that a tenth of the rows has is a bin of its own.
        edges: Finer ones, with the tenths among them.
        whole: Whether the reference has whole numbers only.
    """

    kind: Literal["number"] = "number"
    tenths: tuple[float, ...]
    edges: tuple[float, ...]
    whole: bool


class CategoryGrid(Settings):
    """The names that are counted each by itself, the most frequent first."""

    kind: Literal["category"] = "category"
    names: tuple[str, ...]


class Numbers(Settings):
    """A column of numbers.

    Attributes:
        infinite: How many are; minimum, maximum, mean and squares are of the finite ones.
        squares: The sum of squared deviations from the mean.
        counts: Rows in each bin of the grid; missing ones are in none.
    """

    kind: Literal["number"] = "number"
    rows: int
    missing: int
    infinite: int
    minimum: float | None
    maximum: float | None
    mean: float
    squares: float
    counts: tuple[int, ...]

    @property
    def deviation(self) -> float:
        """The standard deviation of the finite values."""
        finite = self.rows - self.missing - self.infinite
        return float(np.sqrt(self.squares / finite)) if finite else 0.0

    def plus(self, other: "Numbers") -> "Numbers":
        """Both columns, one after the other.

        Raises:
            DataError: They were counted on different grids.
        """
        if len(self.counts) != len(other.counts):
            raise DataError(
                f"a profile of {len(self.counts)} bins cannot be merged with one of {len(other.counts)}; "
                "make both on the grid of the same reference"
            )
        mean, squares = _moments(
            np.array([part.rows - part.missing - part.infinite for part in (self, other)]),
            np.array([self.mean, other.mean]),
            np.array([self.squares, other.squares]),
        )
        ends = [end for part in (self, other) for end in (part.minimum, part.maximum) if end is not None]
        return Numbers(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            minimum=min(ends, default=None),
            maximum=max(ends, default=None),
            mean=mean,
            squares=squares,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
        )


class Categories(Settings):
    """A column of names.

    Attributes:
        counts: Rows of each name of the grid, and of names that only this window has.
        others: Rows of names that are counted together.
    """

    kind: Literal["category"] = "category"
    rows: int
    missing: int
    counts: dict[str, int]
    others: int

    def plus(self, other: "Categories") -> "Categories":
        """Both columns, one after the other."""
        counts = dict(self.counts)
        others = self.others + other.others
        for name, count in other.counts.items():
            if name in counts or len(counts) < NEWCOMERS:
                counts[name] = counts.get(name, 0) + count
            else:
                others += count
        return Categories(
            rows=self.rows + other.rows, missing=self.missing + other.missing, counts=counts, others=others
        )


class Unreadable(Settings):
    """A column that holds something else than the numbers that belong there."""

    kind: Literal["unreadable"] = "unreadable"
    rows: int
    missing: int
    holds: str

    def plus(self, other: "Unreadable") -> "Unreadable":
        """Both columns, one after the other."""
        return self.model_copy(
            update={"rows": self.rows + other.rows, "missing": self.missing + other.missing}
        )


Grid = Annotated[NumberGrid | CategoryGrid, Field(discriminator="kind")]
Column = Annotated[Numbers | Categories | Unreadable, Field(discriminator="kind")]


class Profile(Settings):
    """One window: how many rows, and each of its columns."""

    rows: int
    columns: dict[str, Column]


def grid_of(values: pd.Series) -> NumberGrid | CategoryGrid:
    """The bins that a reference column defines."""
    if not is_number(values):
        counts = _texts(values).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        return CategoryGrid(names=tuple(map(str, counts.index[:CATEGORIES])))
    numbers = _floats(values)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return NumberGrid(tenths=(), edges=(), whole=False)
    tenths, fine = (_edges(finite, parts) for parts in (BINS, FINE))
    beyond = np.array(BEYOND) * max(float(finite.std()), LEAST_SPREAD)
    edges = np.concatenate([tenths, fine, fine[:1] - beyond, fine[-1:] + beyond])
    return NumberGrid(
        tenths=tuple(tenths.tolist()),
        edges=tuple(np.unique(edges).tolist()),
        whole=bool((finite == np.round(finite)).all()),
    )


def profile(frame: pd.DataFrame, grids: Mapping[str, NumberGrid | CategoryGrid]) -> Profile:
    """Count the columns of a frame on the grids of a reference; columns without a grid are left out."""
    columns = {name: column(frame[name], grid) for name, grid in grids.items() if name in frame.columns}
    return Profile(rows=len(frame), columns=columns)


def profile_of_batches(
    batches: Iterable[pd.DataFrame], grids: Mapping[str, NumberGrid | CategoryGrid]
) -> Profile:
    """Count a window that comes in pieces, in memory for one of them."""
    return reduce(merge, (profile(batch, grids) for batch in batches), profile(pd.DataFrame(), {}))


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both windows together.

    Raises:
        DataError: They have different columns, or counted them on different grids.
    """
    if not a.rows or not b.rows:
        return a if a.rows else b
    if a.columns.keys() != b.columns.keys():
        odd = sorted(a.columns.keys() ^ b.columns.keys())
        raise DataError(
            f"only one of two profiles has {', '.join(odd)}; profile the same columns of each part"
        )
    return Profile(
        rows=a.rows + b.rows,
        columns={name: _both(name, a.columns[name], b.columns[name]) for name in a.columns},
    )


def column(values: pd.Series, grid: NumberGrid | CategoryGrid) -> Numbers | Categories | Unreadable:
    """Count one column on its grid."""
    if isinstance(grid, CategoryGrid):
        return _categories(_texts(values), grid)
    if is_number(values):
        return _numbers(_floats(values), np.array(grid.edges))
    if values.isna().all():
        return _numbers(np.full(len(values), np.nan), np.array(grid.edges))
    return Unreadable(rows=len(values), missing=int(values.isna().sum()), holds=str(values.dtype))


def _both(
    name: str, a: Numbers | Categories | Unreadable, b: Numbers | Categories | Unreadable
) -> Numbers | Categories | Unreadable:
    for kind in (Numbers, Categories, Unreadable):
        if isinstance(a, kind) and isinstance(b, kind):
            return a.plus(b)  # type: ignore[arg-type]
    raise DataError(f"{name} is {a.kind} in one profile and {b.kind} in the other; make both from one source")


def _edges(finite: Floats, parts: int) -> Floats:
    """Quantiles; a value on which two of them fall has a bin of its own."""
    quantiles = np.quantile(finite, np.arange(parts + 1) / parts, method="inverted_cdf")
    heavy = [low for low, high in pairwise(quantiles) if low == high]
    return np.unique([*quantiles[1:-1], *heavy, *np.nextafter(heavy, -np.inf)])


def _numbers(values: Floats, edges: Floats) -> Numbers:
    bins = np.zeros(len(edges) + 1, dtype=np.int64)
    pieces, ends = [], []
    for start in range(0, len(values), _AT_ONCE):
        piece = np.sort(values[start : start + _AT_ONCE])
        low, high, known = (
            int(np.searchsorted(piece, -np.inf, side="right")),
            int(np.searchsorted(piece, np.inf)),
            int(np.searchsorted(piece, np.nan)),
        )
        bins += np.diff(np.searchsorted(piece[:known], edges, side="right"), prepend=0, append=known)
        finite = piece[low:high]
        mean = float(finite.mean()) if len(finite) else 0.0
        pieces.append((len(finite), known - len(finite), mean, float(((finite - mean) ** 2).sum())))
        ends += [float(finite[0]), float(finite[-1])] if len(finite) else []
    counted = np.array(pieces).reshape(-1, 4)
    mean, squares = _moments(counted[:, 0], counted[:, 2], counted[:, 3])
    return Numbers(
        rows=len(values),
        missing=len(values) - int(counted[:, :2].sum()),
        infinite=int(counted[:, 1].sum()),
        minimum=min(ends, default=None),
        maximum=max(ends, default=None),
        mean=mean,
        squares=squares,
        counts=tuple(bins.tolist()),
    )


def _moments(sizes: Floats | Ints, means: Floats, squares: Floats) -> tuple[float, float]:
    """Mean and summed squared deviations of pieces together (Chan, Golub and LeVeque, 1979)."""
    rows = float(sizes.sum())
    if not rows:
        return 0.0, 0.0
    mean = float((sizes * means).sum() / rows)
    return mean, float(squares.sum() + (sizes * (means - mean) ** 2).sum())


def _categories(texts: pd.Series, grid: CategoryGrid) -> Categories:
    counted = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    found = dict(zip(map(str, counted.index), counted.tolist(), strict=True))
    named = {name: found.pop(name, 0) for name in grid.names}
    newcomers = dict(list(found.items())[: NEWCOMERS - len(named)])
    missing = int(texts.isna().sum())
    kept = sum(named.values()) + sum(newcomers.values())
    return Categories(
        rows=len(texts), missing=missing, counts=named | newcomers, others=len(texts) - missing - kept
    )


def is_number(values: pd.Series) -> bool:
    """Whether a column holds numbers or flags."""
    return bool(is_numeric_dtype(values) or is_bool_dtype(values))


def _floats(values: pd.Series) -> Floats:
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("string").astype(object)
