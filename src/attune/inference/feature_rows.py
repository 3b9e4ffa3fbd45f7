"""From the features of customers, as a store gives them, to the arrays that a graph reads."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attune.errors import ModelError
from attune.models.base import Floats
from attune.models.tabular import Codes, FeatureTable


class FeatureRows:
    """Reads rows by the rules of a `FeatureTable`, without a table's cost."""

    def __init__(self, table: FeatureTable) -> None:
        self._names, self._defaults = tuple(table.numeric), tuple(table.defaults)
        self._codes = tuple(
            (name, {word: code for code, word in enumerate(table.categories[name], start=1)})
            for name in sorted(table.categories)
        )

    def arrays(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Floats, Codes]:
        """Numbers [N, F] and category codes [N, C] of N customers.

        Args:
            rows: Feature -> value of each; None is a missing one.

        Raises:
            ModelError: A feature is not there, is not a number or is infinite.
        """
        try:
            numbers = [[row[name] for name in self._names] for row in rows]
            codes = [[code_of.get(row[name], 0) for name, code_of in self._codes] for row in rows]
        except KeyError as error:
            raise ModelError(
                f"the feature {error} is not there, with which the model was trained; ask for the feature "
                "service that its manifest names"
            ) from error
        shape = len(rows), -1
        return self._floats(numbers).reshape(shape), np.array(codes, dtype=np.int64).reshape(shape)

    def _floats(self, values: Sequence[Sequence[Any]]) -> Floats:
        """All at once where all are finite numbers, which is usual; else one by one."""
        try:
            numbers = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.array([np.nan])
        if np.isfinite(numbers).all():
            return numbers
        return np.array(
            [
                [_number(*each) for each in zip(self._names, row, self._defaults, strict=True)]
                for row in values
            ]
        )


def _number(name: str, value: Any, default: float) -> float:
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ModelError(f"feature {name!r} is {value!r}; the model was trained with numbers") from error
    if math.isnan(number):
        return default
    if math.isinf(number):
        raise ModelError(
            f"feature {name!r} is infinite; repair the feature, a missing value would be allowed"
        )
    return number
