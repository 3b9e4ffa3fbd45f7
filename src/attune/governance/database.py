"""The database of the registry of record: SQLite on a laptop, PostgreSQL in a cluster, the same tables."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from attune.config import Workspace
from attune.errors import ConfigError, RegistryError

URL_VARIABLE = "ATTUNE_REGISTRY_URL"

SCHEMA = sql.MetaData()
VERSIONS = sql.Table(
    "versions",
    SCHEMA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("run_key", sql.String(64), nullable=False),
    sql.Column("manifest", sql.LargeBinary, nullable=False),
    sql.UniqueConstraint("name", "run_key"),
)
STAGES = sql.Table(
    "stages",
    SCHEMA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("stage", sql.String(9), nullable=False),
    sql.ForeignKeyConstraint(["name", "version"], ["versions.name", "versions.version"]),
)
_IS_CHAMPION = STAGES.c.stage == "champion"
sql.Index(
    "one_champion", STAGES.c.name, unique=True, sqlite_where=_IS_CHAMPION, postgresql_where=_IS_CHAMPION
)
APPROVALS = sql.Table(
    "approvals",
    SCHEMA,
    sql.Column("digest", sql.String(64), primary_key=True),
    sql.Column("name", sql.String(63), nullable=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("document", sql.LargeBinary, nullable=False),
    sql.ForeignKeyConstraint(["name", "version"], ["versions.name", "versions.version"]),
)
# Append-only. The sequence number is the lock of last resort: two writers that saw the same log want to write
# the same row, and the database lets one of them.
EVENTS = sql.Table(
    "events",
    SCHEMA,
    sql.Column("sequence", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("at", sql.String(32), nullable=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("name", sql.String(63), nullable=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("details", sql.Text, nullable=False),
    sql.Column("previous", sql.String(64), nullable=False),
    sql.Column("hash", sql.String(64), nullable=False),
    sql.Column("signature", sql.String(128), nullable=False),
)

_WAIT_S = 60
# A writer that stalls inside its transaction is thrown out after so long, and what it wrote is undone.
_STALLED_S = 10
_WRITES = "attune_writes"
_LOCK = 0x617474756E65  # "attune": the advisory lock that writers of one database take in turn


def database_url(workspace: Workspace) -> str:
    """Where the record is: what ATTUNE_REGISTRY_URL says, or a file of the workspace."""
    return os.environ.get(URL_VARIABLE) or f"sqlite:///{workspace.registry}"


class Database:
    """Transactions: any number that read, one at a time that writes."""

    def __init__(self, url: str):
        engine = _engine(url)
        isolation = {} if self._is_sqlite(engine) else {"isolation_level": "REPEATABLE READ"}
        self._reading = engine.execution_options(**isolation)
        self._writing = engine.execution_options(**{_WRITES: True})
        with self._says_where():
            complete = sql.inspect(engine).has_table(EVENTS.name)
        if not complete:
            with self.writing() as connection:
                SCHEMA.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """One transaction; what it did is undone when it ends in an error or with its process.

        Raises:
            RegistryError: The database cannot be reached, is damaged, or another writer holds it too long.
        """
        with self._says_where(), self._writing.begin() as connection:
            if not self._is_sqlite(self._writing):
                _wait_in_turn(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        """One transaction that sees one state."""
        with self._says_where(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def _says_where(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise  # a rule of the tables, which the caller speaks about
        except DatabaseError as error:
            where = self._reading.url.render_as_string(hide_password=True)
            raise RegistryError(
                f"the registry of record at {where} cannot be used ({error.orig}); see that it is there, is "
                f"whole and is held by no other process, restore it, or name another in {URL_VARIABLE}"
            ) from error

    @staticmethod
    def _is_sqlite(engine: sql.Engine) -> bool:
        return engine.dialect.name == "sqlite"


def _engine(url: str) -> sql.Engine:
    try:
        engine = sql.create_engine(url, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError(
            f"{URL_VARIABLE} names no database that can be used ({error}); wanted "
            "postgresql+psycopg://user@host/name, with the extra `postgres` installed"
        ) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _leave_transactions_to_us)
        sql.event.listen(engine, "begin", _begin)
    return engine


def _wait_in_turn(connection: sql.Connection) -> None:
    settings: dict[str, Any] = {
        "lock_timeout": f"{_WAIT_S}s",
        "idle_in_transaction_session_timeout": f"{_STALLED_S}s",
    }
    for name, value in settings.items():
        connection.execute(sql.select(sql.func.set_config(name, value, True)))
    connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_LOCK)))


def _leave_transactions_to_us(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # Python's driver would begin transactions late and without the lock; `_begin` does it at once.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_S * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sql.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
