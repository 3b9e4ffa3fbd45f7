"""Examples that stay in their Parquet file and are read some row groups at a time."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from pyarrow import ArrowException

from attune.columns import HISTORY_ITEMS
from attune.errors import ModelError


class ParquetExamples:
    """A file of examples, of which only its table of contents is in memory.

    What is read at a time is a row group or more: a file of one large row group is read whole.
    """

    def __init__(self, file: Path) -> None:
        """Read the table of contents.

        Raises:
            ModelError: The file cannot be read.
        """
        self.file = file
        try:
            found = pq.read_metadata(file)
        except (OSError, ArrowException) as error:
            raise ModelError(f"{file} cannot be read ({error}); fetch the examples again") from error
        groups = [found.row_group(number) for number in range(found.num_row_groups)]
        self.rows: list[int] = [group.num_rows for group in groups]
        self.interactions: list[int] = [max(group.num_rows, _interactions(group)) for group in groups]

    def __len__(self) -> int:
        return sum(self.rows)

    def read(self, groups: Sequence[int]) -> pd.DataFrame:
        """The examples of some row groups."""
        with pq.ParquetFile(self.file) as opened:
            frame: pd.DataFrame = opened.read_row_groups(list(groups)).to_pandas()
        return frame

    def frames(self) -> Iterator[pd.DataFrame]:
        """All examples, one row group at a time."""
        for group in range(len(self.rows)):
            yield self.read([group])

    def some(self, interactions: int) -> pd.DataFrame:
        """So many interactions at most, in row groups from all over the file; one row group at least."""
        every = max(1, -(-sum(self.interactions) // interactions))
        return self.read(range(0, len(self.rows), every))

    def cut(self, order: Sequence[int], interactions: int) -> list[list[int]]:
        """Cut row groups, in an order, into parts of at most so many interactions, or of one row group."""
        parts: list[list[int]] = [[]]
        held = 0
        for group in order:
            if parts[-1] and held + self.interactions[group] > interactions:
                parts.append([])
                held = 0
            parts[-1].append(group)
            held += self.interactions[group]
        return parts

    def digest(self) -> str:
        """Another one when a byte of the file is."""
        with self.file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()


def _interactions(group: pq.RowGroupMetaData) -> int:
    """How many items the histories of a row group hold; 0 where there are no histories."""
    columns = (group.column(number) for number in range(group.num_columns))
    return sum(
        column.num_values for column in columns if column.path_in_schema.split(".")[0] == HISTORY_ITEMS
    )
