"""Online rows in one SQLite file: a table a view and generation, and a pointer to the generation.

Readers and one writer at a time work beside each other (write-ahead log). A file that is renamed over an open
one would meet the old one's log, so a new generation grows in the same file and is switched to in one commit.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import local

from attune.errors import FeatureError
from attune.features.row_store import WriteReport, newest

READ_SECONDS = 0.05
WRITE_SECONDS = 30.0
PARAMETERS = 10_000
NUL = "\\u0000"
STATE = """
CREATE TABLE IF NOT EXISTS state (generation INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (generation INTEGER, name TEXT, text TEXT, PRIMARY KEY (generation, name));
"""


class SqliteRows:
    """The rows in one file."""

    def __init__(self, file: Path, read_seconds: float = READ_SECONDS, ahead: int = 0) -> None:
        """Nothing is opened yet.

        Args:
            file: The database; the first write makes it.
            read_seconds: How long a read waits for a file that is locked.
            ahead: 0 for the published generation, 1 for the draft of the next.
        """
        self._file, self._read_seconds, self._ahead = file, read_seconds, ahead
        self._connections = local()

    def get_many(self, views: Sequence[str], entities: Sequence[str]) -> list[list[bytes | None]]:
        """One statement in all where the tables are what this thread saw last, else one a view."""
        known = self._by_statement(views, entities) if entities else None
        if known is not None:
            return known
        with self._read() as database:
            generation = _published(database) + self._ahead
            if generation == 0:
                raise self._nothing()
            tables = _tables(database, generation)
            if tables.issuperset(views):
                self._connections.statements[tuple(views)] = generation, *_statements(generation, views)
            return [
                _rows(database, generation, view, entities) if view in tables else [None] * len(entities)
                for view in views
            ]

    def _by_statement(self, views: Sequence[str], entities: Sequence[str]) -> list[list[bytes | None]] | None:
        """All rows, of one moment; None where the tables are not what this thread saw last."""
        try:
            database = self._open("rw")
            generation, single, several = self._connections.statements.get(tuple(views), (0, "", ""))
            if not generation:
                return None
            if len(entities) == 1:
                rows = database.execute(single, list(entities) * len(views)).fetchall()
            else:
                asked = json.dumps(list(entities))
                if NUL in asked:  # where SQLite's JSON ends a text
                    return None
                rows = database.execute(several, [asked]).fetchall()
        except sqlite3.Error:  # whoever looks again says what is wrong, if it still is
            return None
        # They come in the order asked, which is cheaper to look at than to ask for.
        places, published, *columns = map(list, zip(*rows, strict=True))
        if published[0] != generation - self._ahead or places != list(range(len(entities))):
            return None
        return columns

    def put_many(self, view: str, rows: Mapping[str, bytes]) -> WriteReport:
        """Read, compare and write in one transaction."""
        with self._write() as database:
            generation = self._writable(database)
            database.execute(
                f"CREATE TABLE IF NOT EXISTS {_table(generation, view)} "
                "(entity TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID"
            )
            accepted, report = newest(_rows(database, generation, view, list(rows)), rows)
            database.executemany(
                f"INSERT OR REPLACE INTO {_table(generation, view)} VALUES (?, ?)",  # noqa: S608 - own names
                accepted.items(),
            )
        return report

    def delete(self, views: Sequence[str], entity: str) -> int:
        """From every generation, and from the file: what is deleted is overwritten."""
        removed = 0
        with self._write() as database:
            current = _published(database)
            for generation in (current, current + 1):
                for view in _tables(database, generation) & set(views):
                    statement = f"DELETE FROM {_table(generation, view)} WHERE entity = ?"  # noqa: S608
                    removed += database.execute(statement, [entity]).rowcount
        self._open("rwc").execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return removed

    def wipe(self) -> None:
        """Remove this generation."""
        with self._write() as database:
            _drop(database, _published(database) + self._ahead)

    def notes(self) -> dict[str, str]:
        """The table beside the rows."""
        if not self._file.exists():
            return {}
        with self._write() as database:
            generation = _published(database) + self._ahead
            return dict(database.execute("SELECT name, text FROM notes WHERE generation = ?", [generation]))

    def note(self, name: str, text: str) -> None:
        """One row of the table beside the rows."""
        with self._write() as database:
            values = self._writable(database), name, text
            database.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", values)

    def published(self) -> bool:
        """Whether there is a pointer."""
        if not self._file.exists():
            return False
        with self._write() as database:
            return _published(database) > 0

    def draft(self) -> "SqliteRows":
        """The next generation."""
        return SqliteRows(self._file, self._read_seconds, ahead=1)

    def publish(self) -> None:
        """Move the pointer and drop what it pointed to, in one commit."""
        with self._write() as database:
            old = _published(database)
            _point(database, old + 1)
            _drop(database, old)

    def _writable(self, database: sqlite3.Connection) -> int:
        """The generation to write; the first is published at once, unless it is a draft."""
        generation = _published(database) + self._ahead
        if generation == 0:
            _point(database, generation := 1)
        return generation

    def _nothing(self) -> FeatureError:
        return FeatureError(f"no online features in {self._file.parent}; run the features pipeline first")

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file."""
        if not self._file.exists():
            raise self._nothing()
        with self._named_errors("read"):
            database = self._open("rw")
            database.execute("BEGIN")
            try:
                yield database
            finally:
                database.rollback()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._named_errors("written"):
            database = self._open("rwc")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.commit()
            finally:
                if database.in_transaction:
                    database.rollback()

    @contextmanager
    def _named_errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise FeatureError(
                f"the online store {self._file} cannot be {verb}: {error}; what was online before still is. "
                "Look at the space left on its disk and at who else has it open"
            ) from error

    def _open(self, mode: str) -> sqlite3.Connection:
        """This thread's own connection."""
        mine: sqlite3.Connection | None = getattr(self._connections, mode, None)
        if mine is None or self._file_number() != getattr(self._connections, f"{mode} file", None):
            self._connections.statements = {}
            wait = WRITE_SECONDS if mode == "rwc" else self._read_seconds
            address = f"{self._file.absolute().as_uri()}?mode={mode}"
            mine = sqlite3.connect(address, uri=True, timeout=wait, isolation_level=None)
            if mode == "rwc":
                mine.execute("PRAGMA journal_mode=WAL")
                mine.execute("PRAGMA synchronous=NORMAL")
                mine.execute("PRAGMA secure_delete=ON")
                mine.executescript(STATE)
            setattr(self._connections, mode, mine)
            setattr(self._connections, f"{mode} file", self._file_number())
        return mine

    def _file_number(self) -> int | None:
        """Tells the file from another that took its name, as in a workspace that was made anew."""
        try:
            return self._file.stat().st_ino
        except FileNotFoundError:
            return None


def _published(database: sqlite3.Connection) -> int:
    found = database.execute("SELECT generation FROM state").fetchone()
    return int(found[0]) if found else 0


def _point(database: sqlite3.Connection, generation: int) -> None:
    database.execute("DELETE FROM state")
    database.execute("INSERT INTO state VALUES (?)", [generation])


def _table(generation: int, view: str) -> str:
    quoted = f"{generation}:{view}".replace('"', '""')
    return f'"{quoted}"'


def _statements(generation: int, views: Sequence[str]) -> tuple[str, str]:
    """Ask for each entity's place, the published generation and its row of each view: of one, of a list."""

    def statement(place: str, entity: str, asked: str) -> str:
        rows = [f"(SELECT row FROM {_table(generation, view)} WHERE entity = {entity})" for view in views]  # noqa: S608
        return f"SELECT {', '.join([place, '(SELECT generation FROM state)', *rows])}{asked}"  # noqa: S608

    return statement("0", "?", ""), statement("key", "value", " FROM json_each(?)")


def _tables(database: sqlite3.Connection, generation: int) -> set[str]:
    """The views that have a table in a generation."""
    names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    before = f"{generation}:"
    return {name.removeprefix(before) for (name,) in names if name.startswith(before)}


def _rows(
    database: sqlite3.Connection, generation: int, view: str, entities: Sequence[str]
) -> list[bytes | None]:
    found: dict[str, bytes] = {}
    left = iter(entities)
    while asked := list(islice(left, PARAMETERS)):
        marks = ",".join("?" * len(asked))
        statement = f"SELECT entity, row FROM {_table(generation, view)} WHERE entity IN ({marks})"  # noqa: S608
        found.update(database.execute(statement, asked))
    return [found.get(entity) for entity in entities]


def _drop(database: sqlite3.Connection, generation: int) -> None:
    for view in _tables(database, generation):
        database.execute(f"DROP TABLE {_table(generation, view)}")
    database.execute("DELETE FROM notes WHERE generation = ?", [generation])
