"""The contract tables on disk: one Parquet file a table, one a month for interactions, and one marker.

`tables.json` names every file with its digest. Readers verify what they read against it, so that neither
a half-finished import nor a foreign hand can pass for data.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from attune.data.commit import (
    Files,
    commit,
    content_version,
    exclusive,
    is_marked,
    marked_files,
    settle,
    staged,
)
from attune.data.contracts import (
    TABLES,
    TIME_COLUMNS,
    Violation,
    check_references,
    check_table,
    refuse,
)
from attune.data.layout import (
    UTC_MICROSECONDS,
    files_of,
    key_columns,
    known_columns,
    schema_of,
    table_of,
    write_files,
)
from attune.data.times import utc
from attune.errors import DataError

__all__ = [
    "TABLES",
    "Violation",
    "check_references",
    "check_table",
    "data_version",
    "read_table",
    "replace_rows_since",
    "store_tables",
    "write_tables",
]

_ATTEMPTS = 5


def read_table(
    folder: Path,
    name: str,
    columns: Sequence[str] | None = None,
    before: datetime | None = None,
    since: datetime | None = None,
) -> pd.DataFrame:
    """Read a contract table; interactions come in order of time and id.

    Args:
        folder: Where the tables lie.
        name: One of TABLES.
        columns: Only these; None reads all.
        before: Only rows earlier than this moment, by the time column of the table.
        since: Only rows at this moment or later.

    Raises:
        DataError: Nothing was imported yet, there is no such table or column, or a file is not what
            the import wrote.
    """
    wanted = known_columns(name, columns)
    for _ in range(_ATTEMPTS):
        settle(folder)
        files = marked_files(folder)
        contents = _contents(folder, files_of(files, name, before, since))
        # A digest that differs means that an import came between: read its marker and begin again.
        if contents is not None:
            break
    else:
        raise DataError(f"the files of {name} in {folder} are not what was imported; import the data again")
    parts = [_part(content, name, wanted, before, since) for content in contents]
    table = pa.concat_tables([schema_of(name).empty_table().select(wanted), *parts])
    frame: pd.DataFrame = table.to_pandas()
    return frame


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Check tables and write them all at once; tables that are not given stay as they are.

    A kill at any point leaves all the old or all the new. The index of a frame numbers the rows in
    messages; it is not written.

    Returns:
        The files whose content changed.

    Raises:
        DataError: A row breaks a contract or names an id that no table has; nothing was written.
    """
    refuse("the tables", [found for name, frame in tables.items() for found in check_table(name, frame)])
    return store_tables(folder, tables)


def store_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Write tables that were held against their contracts already, as `write_tables` does.

    Returns:
        The files whose content changed.

    Raises:
        DataError: A row names an id that no table has; nothing was written.
    """
    with exclusive(folder):
        return _replace_tables(folder, tables)


def replace_rows_since(folder: Path, name: str, since: datetime, rows: pd.DataFrame) -> list[str]:
    """Check rows and put them in the place of all rows of a table at a moment or later.

    Returns:
        The files whose content changed.

    Raises:
        DataError: A row breaks the contract, is earlier than the moment, or names an id that no table
            has; nothing was written.
    """
    refuse("the rows", check_table(name, rows))
    early = rows[TIME_COLUMNS[name]] < utc(since)
    if early.any():
        raise DataError(f"{early.sum()} new rows of {name} are earlier than {since}; leave them out")
    with exclusive(folder):
        earlier = read_table(folder, name, before=since)
        return _replace_tables(folder, {name: pd.concat([earlier, rows], ignore_index=True)})


def data_version(folder: Path) -> str:
    """The digest of all tables: equal if and only if their content is.

    Raises:
        DataError: Nothing was imported yet.
    """
    settle(folder)
    return content_version(marked_files(folder))


def _replace_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    complete = set(tables) == set(TABLES)
    # A whole import asks nothing of what was there: it heals even a damaged marker.
    old = {} if complete or not is_marked(folder) else marked_files(folder)
    kept = {file: facts for file, facts in old.items() if table_of(file) not in tables}
    stored = {table_of(file) for file in kept}
    linked = {name: read_table(folder, name, key_columns(name)) for name in sorted(stored)}
    refuse("the tables", check_references({**linked, **tables}))
    with staged(folder) as stage:
        for name, frame in tables.items():
            write_files(stage, name, frame)
        return commit(folder, stage, kept)


def _part(
    content: bytes, name: str, columns: list[str], before: datetime | None, since: datetime | None
) -> pa.Table:
    time = TIME_COLUMNS.get(name)
    bounded = time is not None and (before is not None or since is not None)
    needed = [*columns, time] if bounded and time not in columns else columns
    table = pq.read_table(pa.BufferReader(content), columns=needed)
    if bounded and before is not None:
        table = table.filter(pc.less(table[time], pa.scalar(utc(before), UTC_MICROSECONDS)))
    if bounded and since is not None:
        table = table.filter(pc.greater_equal(table[time], pa.scalar(utc(since), UTC_MICROSECONDS)))
    return table.select(columns)


def _contents(folder: Path, files: Files) -> list[bytes] | None:
    """The bytes of the files, or None if one of them is not what the marker says."""
    contents = []
    for file in sorted(files):
        try:
            content = (folder / file).read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != files[file]["sha256"]:
            return None
        contents.append(content)
    return contents
