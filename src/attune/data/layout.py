"""What a contract table looks like on disk: its files, their columns and types, the order of its rows."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from attune import columns as c
from attune.data.commit import Files
from attune.data.contracts import FLAGS, NUMBERS, TABLES, TIMES
from attune.data.times import utc
from attune.errors import DataError

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


def known_columns(name: str, columns: Sequence[str] | None) -> list[str]:
    """The columns asked for, or all of a table.

    Raises:
        DataError: There is no such table or column.
    """
    if name not in TABLES:
        raise DataError(f"no table named {name!r}; there are {', '.join(TABLES)}")
    known = schema_of(name).names
    unknown = sorted(set(columns or []) - set(known))
    if unknown:
        raise DataError(f"the table {name} has no column {', '.join(unknown)}; it has {', '.join(known)}")
    return list(columns) if columns is not None else known


def schema_of(name: str) -> pa.Schema:
    """Columns and types of a table's files."""
    return pa.schema([(column, _arrow_type(column)) for column in TABLES[name].columns])


def _arrow_type(column: str) -> pa.DataType:
    if column in NUMBERS:
        return pa.float64()
    if column in TIMES:
        return UTC_MICROSECONDS
    return pa.bool_() if column in FLAGS else pa.string()


def _order(name: str) -> list[str]:
    if name == "interactions":
        return [c.EVENT_TIMESTAMP, c.INTERACTION_ID]
    return list(TABLES[name].columns) if name == "consents" else [next(iter(TABLES[name].columns))]


def key_columns(name: str) -> list[str]:
    """The columns by which a table points to others or is pointed to."""
    return [column for column in TABLES[name].columns if column in (c.CUSTOMER_ID, c.ITEM_ID)]


def table_of(file: str) -> str:
    """The table that a file belongs to.

    >>> table_of("interactions/2017-01.parquet"), table_of("items.parquet")
    ('interactions', 'items')
    """
    return file.removesuffix(".parquet").split("/")[0]


def files_of(files: Files, name: str, before: datetime | None, since: datetime | None) -> Files:
    """The files of a table whose month can hold rows of the window."""
    own = {file: facts for file, facts in files.items() if table_of(file) == name}
    if not own:
        raise DataError(f"the table {name} was not imported; import it first")
    if name != "interactions":
        return own
    first = f"{name}/{utc(since):%Y-%m}" if since is not None else ""
    last = f"{name}/{utc(before):%Y-%m}.parquet" if before is not None else "~"
    return {file: facts for file, facts in own.items() if first <= file <= last}


def write_files(stage: Path, name: str, frame: pd.DataFrame) -> None:
    """Write the files of a table below a folder; equal rows, in any order, make equal bytes."""
    schema = schema_of(name)
    table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
    # Without pandas' own notes in the file, which tell of the frame it came from.
    table = table.replace_schema_metadata(None).sort_by([(key, "ascending") for key in _order(name)])
    if name != "interactions":
        _write(stage / f"{name}.parquet", table)
        return
    times = table[c.EVENT_TIMESTAMP]
    months = pc.add(pc.multiply(pc.year(times), 100), pc.month(times))
    for month in pc.unique(months).to_pylist():
        file = stage / name / f"{month // 100}-{month % 100:02}.parquet"
        _write(file, table.filter(pc.equal(months, month)))


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, compression="zstd")
