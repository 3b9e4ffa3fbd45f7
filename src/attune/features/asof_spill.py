"""Keys and times that outgrow the memory: split by ranges of keys into files of a folder that is removed."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from attune.features.asof_choose import History

RECORD = np.dtype([(name, np.int64) for name in History._fields])


@contextmanager
def spilled(
    batches: Iterable[History], keys: int, parts: int
) -> Iterator[Iterator[tuple[int, int, History]]]:
    """Write batches to parts, and give the parts back one by one.

    Args:
        batches: Rows in the order of the source.
        keys: How many keys there are; rows carry codes below it.
        parts: Into how many parts of equally many keys they are split.

    Yields:
        For each part its first code, the code after its last, and its rows in the order of the source, with
        codes counted from the first.
    """
    bounds = np.linspace(0, keys, parts + 1).astype(np.int64)
    with tempfile.TemporaryDirectory(prefix="attune-as-of-") as folder:
        files = [Path(folder) / f"{part}.rows" for part in range(parts)]
        for batch in batches:
            _append(batch, bounds, files)
        yield (
            (int(first), int(end), _read(file, int(first)))
            for first, end, file in zip(bounds[:-1], bounds[1:], files, strict=True)
        )


def _append(batch: History, bounds: np.ndarray, files: list[Path]) -> None:
    part = np.searchsorted(bounds, batch.code, side="right") - 1
    for number, file in enumerate(files):
        mine = part == number
        records = np.empty(int(mine.sum()), dtype=RECORD)
        for name, column in zip(History._fields, batch, strict=True):
            records[name] = column[mine]
        with file.open("ab") as out:
            records.tofile(out)


def _read(file: Path, first: int) -> History:
    records = np.fromfile(file, dtype=RECORD) if file.exists() else np.empty(0, dtype=RECORD)
    code, position, event, created = (np.ascontiguousarray(records[name]) for name in History._fields)
    return History(code - first, position, event, created)
