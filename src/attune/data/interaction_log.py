"""Interactions that arrived one by one since the tables were imported: kept for good, in the order they came.

They lie beside the tables, because an import replaces those. It is an SQLite file: a batch is in it whole or
not at all, however its writer ended, and the rows of one customer are found at once. Whoever computes
features reads it as Parquet, one file a month, which is written again when the month has new rows.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow.parquet as pq

from attune import columns as c
from attune.data.layout import schema_of
from attune.errors import DataError
from attune.locks import in_turn

NAMES = tuple(schema_of("interactions").names)
TIMES = (c.EVENT_TIMESTAMP, c.CREATED_TIMESTAMP)
TIME = pl.Datetime("us", "UTC")
SCHEMA = pl.Schema(
    {
        **dict.fromkeys(NAMES, pl.String()),
        **dict.fromkeys(TIMES, TIME),
        **dict.fromkeys((c.QUANTITY, c.AMOUNT, c.DISCOUNT), pl.Float64()),
    }
)
STATE = b"attune.rows"
WAIT_SECONDS = 30.0
TABLE = """
CREATE TABLE IF NOT EXISTS interactions (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    month TEXT NOT NULL,
    interaction_id TEXT NOT NULL, customer_id TEXT NOT NULL, item_id TEXT NOT NULL, order_id TEXT NOT NULL,
    event TEXT NOT NULL, event_timestamp INTEGER NOT NULL, created_timestamp INTEGER NOT NULL,
    quantity REAL NOT NULL, amount REAL NOT NULL, discount REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS of_customer ON interactions (customer_id);
CREATE INDEX IF NOT EXISTS of_item ON interactions (item_id);
CREATE INDEX IF NOT EXISTS of_month ON interactions (month);
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON interactions
BEGIN SELECT RAISE(ABORT, 'a row of the interaction log is never changed'); END;
"""
Key = Literal["customer_id", "item_id"]


class InteractionLog:
    """The log beside the tables of one folder."""

    def __init__(self, tables: Path) -> None:
        """Nothing is opened or made yet.

        Args:
            tables: The folder of the contract tables.
        """
        self._folder = tables.with_name("interaction_log")
        self._file = self._folder / "log.db"

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the log for writing; another writer waits, also one in another process."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with in_turn(self._folder / ".lock"):
            yield

    def append(self, rows: pl.DataFrame) -> None:
        """Add rows; when this returns they are on the disk.

        Args:
            rows: With the columns of the contract, held against it.

        Raises:
            DataError: The disk is full or refuses; nothing was added.
        """
        if rows.is_empty():
            return
        stored = rows.select(
            pl.col(c.EVENT_TIMESTAMP).dt.strftime("%Y-%m"),
            *(pl.col(name).dt.epoch("us").alias(f"{name} us") if name in TIMES else name for name in NAMES),
        )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        marks = ", ".join("?" * (len(NAMES) + 1))
        statement = f"INSERT INTO interactions (month, {', '.join(NAMES)}) VALUES ({marks})"  # noqa: S608
        with self._opened() as database, database:
            database.executemany(statement, stored.iter_rows())

    def rows(self, key: Key, entities: Sequence[str]) -> pl.DataFrame:
        """All rows of some customers or items, in the order they came."""
        if not self._file.exists():
            return pl.DataFrame(schema=SCHEMA)
        with self._opened() as database:
            database.execute("CREATE TEMP TABLE asked (entity TEXT PRIMARY KEY)")
            database.executemany("INSERT OR IGNORE INTO asked VALUES (?)", [(each,) for each in entities])
            return _frame(database, f"WHERE {key} IN (SELECT entity FROM asked)")  # noqa: S608

    def all_rows(self) -> pl.DataFrame:
        """Everything that arrived, in the order it came."""
        if not self._file.exists():
            return pl.DataFrame(schema=SCHEMA)
        with self._opened() as database:
            return _frame(database, "")

    def version(self) -> str:
        """Another one when anything arrived; empty before."""
        if not self._file.exists():
            return ""
        with self._opened() as database:
            ((count, last),) = database.execute("SELECT count(*), max(sequence) FROM interactions")
            return f"{count}-{last}" if count else ""

    def last_customers(self, count: int) -> list[str]:
        """Those about whom something arrived last, the latest first."""
        if not self._file.exists():
            return []
        statement = (
            "SELECT customer_id FROM interactions GROUP BY customer_id ORDER BY max(sequence) DESC LIMIT ?"
        )
        with self._opened() as database:
            return [customer for (customer,) in database.execute(statement, [count])]

    def months(self) -> list[Path]:
        """The log as Parquet files of the contract's columns, one a month of events: `2017-09.parquet`."""
        if not self._file.exists():
            return []
        with self._opened() as database:
            states = dict(
                database.execute(
                    "SELECT month, count(*) || '-' || max(sequence) FROM interactions GROUP BY 1"
                )
            )
            files = {self._folder / f"{month}.parquet": state for month, state in sorted(states.items())}
            for file, state in files.items():
                if _state_of(file) != state.encode():
                    _export(_frame(database, "WHERE month = ?", file.stem), file, state)
        return list(files)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._file, timeout=WAIT_SECONDS)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=FULL")  # a power cut loses nothing that was promised
                database.executescript(TABLE)
                yield database
        except sqlite3.Error as error:
            raise DataError(
                f"the interaction log {self._file} cannot be used: {error}; what it held it still holds. "
                "Look at the space left on its disk and at who else has it open"
            ) from error


def _frame(database: sqlite3.Connection, where: str, *values: str) -> pl.DataFrame:
    statement = f"SELECT {', '.join(NAMES)} FROM interactions {where} ORDER BY sequence"  # noqa: S608
    numbers = {name: pl.Int64() if name in TIMES else kind for name, kind in SCHEMA.items()}
    found = pl.DataFrame(database.execute(statement, values).fetchall(), schema=numbers, orient="row")
    return found.with_columns(pl.col(name).cast(TIME) for name in TIMES)


def _state_of(file: Path) -> bytes | None:
    """Which rows a Parquet file was made from; None where there is none."""
    if not file.exists():
        return None
    state: bytes | None = (pq.read_schema(file).metadata or {}).get(STATE)
    return state


def _export(rows: pl.DataFrame, file: Path, state: str) -> None:
    schema = schema_of("interactions").with_metadata({STATE: state})
    ordered = rows.sort(c.EVENT_TIMESTAMP, c.INTERACTION_ID, c.CREATED_TIMESTAMP, maintain_order=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.unfinished")
    pq.write_table(ordered.to_arrow().cast(schema), unfinished, compression="zstd")
    unfinished.replace(file)
