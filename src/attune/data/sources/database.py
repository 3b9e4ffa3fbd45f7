"""Tables of a user's own database, read in parts and without the right to change anything."""

import os
import re
from collections.abc import Sequence

import pandas as pd
from pydantic import Field, field_validator

from attune.config import Settings
from attune.errors import ConfigError, DataError

ROWS_AT_A_TIME = 50_000
_READS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
# What makes a connection read-only, where the database knows such a thing. Everywhere the transaction is
# rolled back at the end.
_READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
}


class Query(Settings):
    """One query to one database.

    Attributes:
        url_variable: The environment variable that holds the database's URL, as SQLAlchemy writes it. The
            URL holds a password, so it never stands in the mapping.
        select: One SELECT.
    """

    url_variable: str = Field(min_length=1, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    select: str

    @field_validator("select")
    @classmethod
    def _only_reads(cls, select: str) -> str:
        statement = select.strip().rstrip(";")
        if not _READS.match(statement) or ";" in statement:
            raise ValueError("is not one SELECT; an import reads and changes nothing")
        return statement


def read_query(query: Query) -> pd.DataFrame:
    """Ask a database and take its rows, some thousand at a time.

    Raises:
        ConfigError: The variable is not set, is no URL, or SQLAlchemy is not installed.
        DataError: The database refuses.
    """
    try:
        import sqlalchemy as sql
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
    except ModuleNotFoundError as error:
        raise ConfigError("databases are read with SQLAlchemy; install attune[registry]") from error
    url = os.environ.get(query.url_variable)
    if not url:
        raise ConfigError(f"{query.url_variable} is not set; export the URL of the database in it")
    try:
        engine = sql.create_engine(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        # Without its cause, which may repeat the URL and its password.
        raise ConfigError(
            f"{query.url_variable} holds no URL of a database that can be reached: "
            "write dialect+driver://user:password@host/name and install its driver"
        ) from None
    try:
        with engine.connect() as connection:
            if statement := _READ_ONLY.get(engine.dialect.name):
                connection.execute(sql.text(statement))
            rows = connection.execution_options(stream_results=True).execute(sql.text(query.select))
            names = list(rows.keys())
            parts = [_frame(part, names) for part in rows.partitions(ROWS_AT_A_TIME)]
            connection.rollback()
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        raise DataError(f"the database of {query.url_variable} refuses: {reason}") from None
    finally:
        engine.dispose()
    return pd.concat(parts, ignore_index=True) if parts else _frame([], names)


def _frame(rows: Sequence[Sequence[object]], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame([tuple(row) for row in rows], columns=names, dtype=object)
