"""The registry of record: which versions exist, and who became champion when."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from attune.config import Settings
from attune.errors import PromotionConflictError, RegistryError
from attune.governance.manifest import Manifest

_WAIT_S = 60
_WRITES = "attune_writes"

_SCHEMA = sql.MetaData()
_VERSIONS = sql.Table(
    "versions",
    _SCHEMA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("run_key", sql.String(64), nullable=False),
    sql.Column("manifest", sql.LargeBinary, nullable=False),
    sql.UniqueConstraint("name", "run_key"),
)
# Append-only: the champion is the version of the last row. The sequence number is the lock: two writers that
# saw the same champion want to write the same row, and the database lets one of them.
_PROMOTIONS = sql.Table(
    "promotions",
    _SCHEMA,
    sql.Column("name", sql.String(63), primary_key=True),
    sql.Column("sequence", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("previous", sql.Integer),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("cause", sql.Text, nullable=False),
    sql.Column("promoted_at", sql.String(32), nullable=False),
    sql.ForeignKeyConstraint(["name", "version"], ["versions.name", "versions.version"]),
)


class Promotion(Settings):
    """One change of champion."""

    name: str
    sequence: int
    version: int
    previous: int | None
    reason: str
    cause: str
    promoted_at: datetime


class Writer:
    """What can be done inside one transaction of the ledger."""

    def __init__(self, connection: sql.Connection):
        self._connection = connection

    def version_of(self, name: str, run_key: str) -> int | None:
        """The version that a run made, if it made one."""
        rows = _VERSIONS.c.name == name, _VERSIONS.c.run_key == run_key
        return self._connection.scalar(sql.select(_VERSIONS.c.version).where(*rows))

    def last_version(self, name: str) -> int:
        """The highest version number given so far, 0 if none was."""
        highest = sql.select(sql.func.max(_VERSIONS.c.version)).where(_VERSIONS.c.name == name)
        return self._connection.scalar(highest) or 0

    def add(self, manifest: Manifest) -> None:
        """Record a version, and with it that its number is taken."""
        self._connection.execute(
            sql.insert(_VERSIONS).values(
                name=manifest.name,
                version=manifest.version,
                run_key=manifest.run_key,
                manifest=manifest.to_bytes(),
            )
        )

    def last_promotion(self, name: str) -> Promotion | None:
        """What made the champion, if there is one."""
        query = sql.select(_PROMOTIONS).where(_PROMOTIONS.c.name == name)
        row = self._connection.execute(query.order_by(_PROMOTIONS.c.sequence.desc()).limit(1)).first()
        return None if row is None else Promotion.model_validate(dict(row._mapping))

    def promote(self, promotion: Promotion) -> None:
        """Record a change of champion; its sequence number must be the next one."""
        values = promotion.model_dump() | {"promoted_at": promotion.promoted_at.isoformat()}
        self._connection.execute(sql.insert(_PROMOTIONS).values(values))


class Ledger:
    """Versions and promotions in one database; every change is one transaction, alone among writers."""

    def __init__(self, url: str):
        engine = sql.create_engine(url, poolclass=NullPool)
        if engine.dialect.name == "sqlite":
            sql.event.listen(engine, "connect", _leave_transactions_to_us)
            sql.event.listen(engine, "begin", _begin)
        self._reading, self._writing = engine, engine.execution_options(**{_WRITES: True})
        if not sql.inspect(engine).has_table(_PROMOTIONS.name):
            with self._writing.begin() as connection:
                _SCHEMA.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """One transaction; what it did is undone when it ends in an error or with its process."""
        with self._writing.begin() as connection:
            yield Writer(connection)

    def promote(self, name: str, version: int, expected: int | None, reason: str, cause: str) -> Promotion:
        """Make a version the champion if the champion still is the one that was compared with it.

        Args:
            name: The model.
            version: Who is to be champion.
            expected: The champion that the decision was made against; None for none.
            reason: Why, in words.
            cause: What started it: a person, a schedule, a verdict of drift.

        Raises:
            PromotionConflictError: Somebody else promoted first; the message names the winner.
            RegistryError: The version is the champion already.
        """
        with self.writing() as writer:
            last = writer.last_promotion(name)
            champion, sequence = (last.version, last.sequence) if last else (None, 0)
            if champion != expected:
                raise _conflict(name, version, expected, last)
            if champion == version:
                raise RegistryError(f"version {version} of {name} is the champion already; nothing to do")
            promotion = Promotion(
                name=name,
                sequence=sequence + 1,
                version=version,
                previous=champion,
                reason=reason,
                cause=cause,
                promoted_at=datetime.now(UTC),
            )
            writer.promote(promotion)
        return promotion

    def names(self) -> list[str]:
        """Every model that has a version."""
        return [str(name) for (name,) in self._read(sql.select(_VERSIONS.c.name).distinct().order_by("name"))]

    def manifests(self, name: str) -> dict[int, bytes]:
        """The manifest of each version of a model as it was signed, oldest first."""
        query = sql.select(_VERSIONS.c.version, _VERSIONS.c.manifest).where(_VERSIONS.c.name == name)
        return {row.version: row.manifest for row in self._read(query.order_by(_VERSIONS.c.version))}

    def promotions(self, name: str) -> list[Promotion]:
        """Every change of a model's champion, oldest first."""
        query = sql.select(_PROMOTIONS).where(_PROMOTIONS.c.name == name).order_by(_PROMOTIONS.c.sequence)
        return [Promotion.model_validate(dict(row._mapping)) for row in self._read(query)]

    def _read(self, query: sql.Select[Any]) -> list[sql.Row[Any]]:
        with self._reading.connect() as connection:
            return list(connection.execute(query))


def _conflict(
    name: str, version: int, expected: int | None, last: Promotion | None
) -> PromotionConflictError:
    compared = f"version {version} was compared with {f'version {expected}' if expected else 'no champion'}"
    if last is None:
        return PromotionConflictError(f"{name} has no champion, but {compared}; compare again and promote")
    return PromotionConflictError(
        f"version {last.version} of {name} became champion on {last.promoted_at:%Y-%m-%d %H:%M:%S} UTC "
        f"({last.cause}), but {compared}; compare it with version {last.version} and promote again"
    )


def _leave_transactions_to_us(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # Python's driver would begin transactions late and without the lock; `_begin` does it at once.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_S * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sql.Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
