"""How a table of features becomes arrays: which columns are features, what is missing, what is unknown.

Every scorer reads its examples through `FeatureTable`, so all of them refuse and repair the same things:

- a missing number becomes the training median of its column, an infinite one is refused;
- a category that training has not seen, a missing one and the word "unknown" share code 0;
- a column that is constant in training is kept and teaches nothing;
- keys, times and the label can never be features, nor can a column that is the label under another name;
- a history is a list and no column of a table: a network with a sequence branch reads it, the others do not.
"""

from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from attune.columns import (
    CAMPAIGN_ID,
    CREATED_TIMESTAMP,
    CUSTOMER_ID,
    EVENT_TIMESTAMP,
    HISTORY_ITEMS,
    HISTORY_TIMES,
    INTERACTION_ID,
    ITEM_ID,
    LABEL,
    MESSAGE_ID,
    ORDER_ID,
    PAST_MESSAGES,
    SCORE,
    UNKNOWN,
)
from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import Floats

Codes = npt.NDArray[np.int64]

SEQUENCES = frozenset({HISTORY_ITEMS, HISTORY_TIMES, *PAST_MESSAGES})
NOT_FEATURES = frozenset({CUSTOMER_ID, EVENT_TIMESTAMP, LABEL}) | SEQUENCES
REFUSED = frozenset({ITEM_ID, ORDER_ID, INTERACTION_ID, MESSAGE_ID, CAMPAIGN_ID, CREATED_TIMESTAMP, SCORE})
MOST_CATEGORIES = 200  # a text column with more different values is an identifier, not a category

_FEWEST_TO_SEE_A_LEAK = 50
FARTHEST = 10.0  # deviations from the training mean; a wilder number counts like this one


class FeatureTable(Settings):
    """The feature columns of a model, as learnt from its training examples alone.

    Columns are kept in alphabetical order, so the order of a table's columns changes nothing.
    """

    numeric: tuple[str, ...]
    defaults: tuple[float, ...]
    categories: dict[str, tuple[str, ...]]
    sequences: tuple[str, ...] = ()

    @classmethod
    def learn(cls, train: pd.DataFrame) -> Self:
        """Find the feature columns, their training medians and their categories.

        Raises:
            ModelError: There is no feature, or a column cannot be one.
        """
        features = sorted(set(train.columns) - NOT_FEATURES)
        refused = sorted(REFUSED & set(features))
        if refused or not features:
            raise ModelError(
                f"examples have {f'the columns {refused}' if refused else 'no feature'}; a scorer learns "
                "from features, never from keys, times or scores; change the feature service"
            )
        _refuse_leaks(train, features)
        numeric = [name for name in features if pd.api.types.is_numeric_dtype(train[name])]
        defaults = [_median(train[name]) for name in numeric]
        categories = {name: _categories(train[name]) for name in features if name not in numeric}
        return cls(
            numeric=tuple(numeric),
            defaults=tuple(defaults),
            categories=categories,
            sequences=tuple(sorted(SEQUENCES & set(train.columns))),
        )

    @property
    def columns(self) -> list[str]:
        """All feature columns: numbers, then categories."""
        return [*self.numeric, *sorted(self.categories)]

    @property
    def sizes(self) -> list[int]:
        """How many codes each categorical column has, the unknown one included."""
        return [len(self.categories[name]) + 1 for name in sorted(self.categories)]

    def numbers(self, examples: pd.DataFrame) -> Floats:
        """The numeric columns of N examples, shape [N, F], finite.

        Raises:
            ModelError: A column is missing, is not numeric or holds an infinite value.
        """
        self._require(examples)
        numbers_NF = np.empty((len(examples), len(self.numeric)))
        for column, (name, default) in enumerate(zip(self.numeric, self.defaults, strict=True)):
            values_N = _numbers(examples[name])
            numbers_NF[:, column] = np.where(np.isnan(values_N), default, values_N)
        return numbers_NF

    def codes(self, examples: pd.DataFrame) -> Codes:
        """The categorical columns of N examples, shape [N, C]; 0 is unknown.

        Raises:
            ModelError: A column is missing.
        """
        self._require(examples)
        codes_NC = np.zeros((len(examples), len(self.categories)), dtype=np.int64)
        for column, name in enumerate(sorted(self.categories)):
            code_of = {word: code for code, word in enumerate(self.categories[name], start=1)}
            codes_NC[:, column] = examples[name].map(code_of).fillna(0).to_numpy(dtype=np.int64)
        return codes_NC

    def _require(self, examples: pd.DataFrame) -> None:
        missing = [name for name in self.columns if name not in examples.columns]
        if missing:
            raise ModelError(
                f"examples lack the features {missing} that the model was trained with; "
                "ask for the feature service that its manifest names"
            )


def labels_of(examples: pd.DataFrame) -> Floats:
    """The labels of N examples as 0.0 and 1.0, shape [N].

    Raises:
        ModelError: There is no label, or it is something other than 0 and 1.
    """
    if LABEL not in examples.columns:
        raise ModelError(f"examples have no column {LABEL!r}; fetch them with labels")
    found = examples[LABEL]
    if not found.isin([0, 1]).all():
        strange = sorted(map(str, found[~found.isin([0, 1])].unique()))[:3]
        raise ModelError(f"labels hold {strange}; a scorer learns from 0 and 1 only")
    return found.to_numpy(dtype=np.float64)


def labels_to_learn(train: pd.DataFrame) -> Floats:
    """The labels of the training examples, which must hold both classes, shape [N].

    Raises:
        ModelError: There are no examples, or all have the same label.
    """
    labels_N = labels_of(train)
    positive = int(labels_N.sum())
    if positive in (0, len(labels_N)):
        raise ModelError(
            f"{positive} of {len(labels_N)} training examples have label 1; a scorer needs both classes, "
            "choose a longer window or another label"
        )
    return labels_N


def _refuse_leaks(train: pd.DataFrame, features: list[str]) -> None:
    """Refuse a column of two values, each of which goes with one label: on so many rows that is no luck."""
    if LABEL not in train.columns or len(train) < _FEWEST_TO_SEE_A_LEAK:
        return
    for name in features:
        values = train[name].astype(str) if train[name].dtype == object else train[name]
        if values.nunique() == 2 and train.groupby(values, dropna=False)[LABEL].nunique().max() == 1:
            raise ModelError(
                f"feature {name!r} tells the label of all {len(train)} training examples: it is the label "
                "under another name, or was known only after it; drop it"
            )


def _median(column: pd.Series) -> float:
    values = _numbers(column)
    known = values[~np.isnan(values)]
    if known.size == 0:
        raise ModelError(f"feature {column.name!r} is missing in all training examples; repair or drop it")
    return float(np.median(known))


def _numbers(column: pd.Series) -> Floats:
    if column.isna().all():  # one row that lacks the value comes as text
        return np.full(len(column), np.nan)
    if not pd.api.types.is_numeric_dtype(column):
        raise ModelError(f"feature {column.name!r} is {column.dtype}; the model was trained with numbers")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise ModelError(
            f"feature {column.name!r} is infinite in {int(np.isinf(values).sum())} of {len(values)} "
            "examples; repair the feature, a missing value would be allowed"
        )
    return values


def _categories(column: pd.Series) -> tuple[str, ...]:
    values = column.dropna().unique() if column.map(pd.api.types.is_hashable).all() else [column.iloc[0]]
    if not all(isinstance(value, str) for value in values):
        raise ModelError(
            f"feature {column.name!r} holds {type(values[0]).__name__}; a feature is a number or a text"
        )
    if len(values) == 0:
        raise ModelError(f"feature {column.name!r} is missing in all training examples; repair or drop it")
    if len(values) > MOST_CATEGORIES:
        raise ModelError(
            f"feature {column.name!r} has {len(values)} different texts in {len(column)} examples, more than "
            f"{MOST_CATEGORIES}: it reads like an identifier; drop it or group its values"
        )
    return tuple(sorted(value for value in values if value != UNKNOWN))


def scales(numbers_NF: Floats) -> tuple[Floats, Floats]:
    """The mean and the deviation of each numeric feature, shape [F]; a constant has deviation 1."""
    mean_F, deviation_F = numbers_NF.mean(axis=0), numbers_NF.std(axis=0)
    constant_F = deviation_F <= 1e-9 * np.maximum(1.0, np.abs(mean_F))
    return mean_F, np.where(constant_F, 1.0, deviation_F)
