"""Keys as small numbers: each distinct key that is asked about, numbered from 0."""

from collections.abc import Sequence
from typing import Self

import polars as pl

from attune.errors import FeatureError

CODE = "attune_code"
HASH = "attune_hash"
SEEDS = 16
TEXT = (pl.String, pl.Categorical, pl.Enum)


class KeyCodes:
    """The distinct keys of a table of rows, over one or several columns.

    Rows are matched by a hash, which is several times cheaper than by text, and then compared with the key
    itself: a collision costs time, never a wrong value.
    """

    def __init__(self, keys: pl.DataFrame, seed: int) -> None:
        """Take over distinct keys whose hashes differ under the seed."""
        self._keys = keys
        self._seed = seed
        self._index = keys.select(self._hash()).with_row_index(CODE)

    @classmethod
    def of(cls, rows: pl.DataFrame, columns: Sequence[str]) -> Self:
        """Number the keys of rows; a key with a null in it has no number.

        Raises:
            FeatureError: No hash tells the keys apart.
        """
        keys = as_text(rows.select(columns)).drop_nulls().unique()
        for seed in range(SEEDS):
            codes = cls(keys, seed)
            if codes._index[HASH].is_unique().all():
                return codes
        raise FeatureError(f"{len(keys):,} keys have equal hashes; ask for fewer rows at a time")

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._keys)

    @property
    def schema(self) -> pl.Schema:
        """The columns of a key and their types."""
        return self._keys.schema

    def encode(self, rows: pl.DataFrame) -> pl.Series:
        """The number of each row's key, null where nobody asked about it."""
        hashes = rows.select(self._hash())
        codes = hashes.join(self._index, on=HASH, how="left", maintain_order="left")[CODE]
        for name in self._keys.columns:
            equal = (self._keys[name].gather(codes) == rows[name]).fill_null(False)
            codes = codes.set(~equal, None)
        return codes

    def _hash(self) -> pl.Expr:
        names = enumerate(self._keys.columns)
        hashes = [pl.col(name).hash(self._seed + SEEDS * number) for number, name in names]
        combined = hashes[0]
        for more in hashes[1:]:
            combined = combined ^ more
        return combined.alias(HASH)


def as_text(keys: pl.DataFrame) -> pl.DataFrame:
    """Keys with categories as the text they stand for."""
    return keys.cast({name: pl.String for name, kind in keys.schema.items() if isinstance(kind, TEXT)})


def comparable(asked: pl.DataType, stored: pl.DataType) -> bool:
    """Whether keys of two types can be equal: two texts, two whole numbers, or twice the same.

    >>> comparable(pl.Int32(), pl.Int64()), comparable(pl.String(), pl.Int64())
    (True, False)
    """
    both = (asked, stored)
    texts = all(isinstance(kind, TEXT) for kind in both)
    return asked == stored or texts or all(kind.is_integer() for kind in both)
