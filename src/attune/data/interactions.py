"""All interactions that are known: those that were imported, and those that arrived since."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import polars as pl

from attune import columns as c
from attune.data.interaction_log import InteractionLog
from attune.data.layout import known_columns
from attune.data.tables import data_version, read_table

TABLE = "interactions"


def read_interactions(
    tables: Path,
    columns: Sequence[str] | None = None,
    before: datetime | None = None,
    since: datetime | None = None,
) -> pd.DataFrame:
    """Read interactions in order of time and id; of an id that is there more than once, the last version.

    Args:
        tables: Folder of the contract tables; the log lies beside.
        columns: Only these; None reads all.
        before: Only rows earlier than this moment.
        since: Only rows at this moment or later.

    Raises:
        DataError: Nothing was imported yet, or there is no such column.
    """
    arrived = InteractionLog(tables).all_rows()
    if arrived.is_empty():
        return read_table(tables, TABLE, columns, before, since)
    # A correction may have moved an interaction into the window or out of it.
    imported = pl.from_pandas(read_table(tables, TABLE)).cast(arrived.schema)
    rows = _last_versions(pl.concat([imported, arrived]))
    if before is not None:
        rows = rows.filter(pl.col(c.EVENT_TIMESTAMP) < before)
    if since is not None:
        rows = rows.filter(pl.col(c.EVENT_TIMESTAMP) >= since)
    ordered = rows.sort(c.EVENT_TIMESTAMP, c.INTERACTION_ID)
    return ordered.select(known_columns(TABLE, columns)).to_pandas()


def known_version(tables: Path) -> str:
    """The version of the tables, and another one when anything arrived since; 64 hexadecimal digits."""
    imported, arrived = data_version(tables), InteractionLog(tables).version()
    return hashlib.sha256(f"{imported} {arrived}".encode()).hexdigest() if arrived else imported


def _last_versions(rows: pl.DataFrame) -> pl.DataFrame:
    repeated = rows[c.INTERACTION_ID].is_duplicated()
    ordered = rows.filter(repeated).sort(c.CREATED_TIMESTAMP, c.EVENT_TIMESTAMP, maintain_order=True)
    last = ordered.unique(c.INTERACTION_ID, keep="last", maintain_order=True)
    return pl.concat([rows.filter(~repeated), last])
