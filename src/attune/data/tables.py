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

from attune import columns as c
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
    FLAGS,
    NUMBERS,
    TABLES,
    TIME_COLUMNS,
    TIMES,
    Violation,
    check_references,
    check_table,
    refuse,
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
_UTC = pa.timestamp("us", tz="UTC")


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
    wanted = _require(name, columns)
    for _ in range(_ATTEMPTS):
        settle(folder)
        files = marked_files(folder)
        contents = _contents(folder, _wanted(files, name, before, since))
        # A digest that differs means that an import came between: read its marker and begin again.
        if contents is not None:
            break
    else:
        raise DataError(f"the files of {name} in {folder} are not what was imported; import the data again")
    parts = [_part(content, name, wanted, before, since) for content in contents]
    table = pa.concat_tables([_schema(name).empty_table().select(wanted), *parts])
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
    old = marked_files(folder) if is_marked(folder) else {}
    kept = {file: facts for file, facts in old.items() if _table_of(file) not in tables}
    stored = {_table_of(file) for file in kept}
    linked = {name: tables[name] for name in tables} | {
        name: read_table(folder, name, _keys(name)) for name in sorted(stored)
    }
    refuse("the tables", check_references(linked))
    with staged(folder) as stage:
        for name, frame in tables.items():
            _stage(stage, name, frame)
        return commit(folder, stage, kept)


def _stage(stage: Path, name: str, frame: pd.DataFrame) -> None:
    schema = _schema(name)
    table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    # Without pandas' own notes in the file, equal rows make equal bytes.
    table = table.replace_schema_metadata(None).sort_by([(key, "ascending") for key in _order(name)])
    if name != "interactions":
        _write(stage / f"{name}.parquet", table)
        return
    months = pc.strftime(table[c.EVENT_TIMESTAMP], "%Y-%m")
    for month in pc.unique(months).to_pylist():
        _write(stage / name / f"{month}.parquet", table.filter(pc.equal(months, month)))


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, compression="zstd")


def _part(
    content: bytes, name: str, columns: list[str], before: datetime | None, since: datetime | None
) -> pa.Table:
    time = TIME_COLUMNS.get(name)
    bounded = time is not None and (before is not None or since is not None)
    needed = [*columns, time] if bounded and time not in columns else columns
    table = pq.read_table(pa.BufferReader(content), columns=needed)
    if bounded and before is not None:
        table = table.filter(pc.less(table[time], pa.scalar(utc(before), _UTC)))
    if bounded and since is not None:
        table = table.filter(pc.greater_equal(table[time], pa.scalar(utc(since), _UTC)))
    return table.select(columns)


def _wanted(files: Files, name: str, before: datetime | None, since: datetime | None) -> Files:
    """The files of a table whose month can hold rows of the window."""
    own = {file: facts for file, facts in files.items() if _table_of(file) == name}
    if not own:
        raise DataError(f"the table {name} was not imported; import it first")
    if name != "interactions":
        return own
    first = f"{name}/{utc(since):%Y-%m}" if since is not None else ""
    last = f"{name}/{utc(before):%Y-%m}.parquet" if before is not None else "~"
    return {file: facts for file, facts in own.items() if first <= file <= last}


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


def _require(name: str, columns: Sequence[str] | None) -> list[str]:
    if name not in TABLES:
        raise DataError(f"no table named {name!r}; there are {', '.join(TABLES)}")
    known = _schema(name).names
    unknown = sorted(set(columns or []) - set(known))
    if unknown:
        raise DataError(f"the table {name} has no column {', '.join(unknown)}; it has {', '.join(known)}")
    return list(columns) if columns is not None else known


def _schema(name: str) -> pa.Schema:
    return pa.schema([(column, _arrow_type(column)) for column in TABLES[name].columns])


def _arrow_type(column: str) -> pa.DataType:
    if column in NUMBERS:
        return pa.float64()
    if column in TIMES:
        return _UTC
    return pa.bool_() if column in FLAGS else pa.string()


def _order(name: str) -> list[str]:
    if name == "interactions":
        return [c.EVENT_TIMESTAMP, c.INTERACTION_ID]
    return list(TABLES[name].columns) if name == "consents" else [next(iter(TABLES[name].columns))]


def _keys(name: str) -> list[str]:
    """The columns by which a table points to others or is pointed to."""
    return [column for column in TABLES[name].columns if column in (c.CUSTOMER_ID, c.ITEM_ID)]


def _table_of(file: str) -> str:
    return file.removesuffix(".parquet").split("/")[0]
