"""The contract tables that features are made from: read lazily, and each file with its digest."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import ibis

from attune.data.interaction_log import InteractionLog
from attune.errors import DataError
from attune.features.engine import Engine
from attune.features.purchases import with_versions

CUSTOMERS = "customers"
ITEMS = "items"
INTERACTIONS = "interactions"
MESSAGES = "messages"
MONTH_FORMAT = "%Y-%m"


class FeatureInputs:
    """The tables of one folder.

    Interactions lie in one file a month, `interactions/2017-01.parquet`, or, where a month is much, in
    several, `interactions/2017-01/*.parquet`. Those that arrived since the import are in the log beside.
    """

    def __init__(self, folder: Path) -> None:
        """Look at a folder of contract tables; nothing is read yet.

        Args:
            folder: What the data import wrote.

        Raises:
            DataError: There are no interactions in it.
        """
        self._folder = folder
        self._digests: dict[Path, str] = {}
        if not self._months:
            raise DataError(f"no interactions in {folder}; import the tables first")

    @property
    def start(self) -> datetime:
        """The first day of the first month."""
        return min(self._months)

    def table(self, engine: Engine, name: str) -> ibis.Table:
        """A table that is one file: customers, items or messages."""
        return engine.read([self._single(name)])

    def interactions(self, engine: Engine, before: datetime) -> ibis.Table:
        """The interactions of the months that begin before a time, with the versions of each."""
        return with_versions(engine.read(self._month_files(before)), engine)

    def require_months(self, as_of: datetime) -> None:
        """Make sure that there are months before a time.

        Raises:
            DataError: There are none.
        """
        if as_of <= self.start:
            raise DataError(
                f"interactions begin in {self.start:%Y-%m}, but features are asked as of {as_of:%Y-%m-%d}; "
                "import earlier months or ask for a later date"
            )

    def digests(self, names: Iterable[str], before: datetime) -> list[tuple[str, str]]:
        """The name and SHA-256 of every file of some tables that can hold rows from before a time."""
        files = [
            file
            for name in names
            for file in (self._month_files(before) if name == INTERACTIONS else [self._single(name)])
        ]
        return [(self._label(file), self._digest(file)) for file in files]

    @property
    def interaction_files(self) -> list[Path]:
        """Every file of interactions that was imported; those that arrived since are in the log."""
        return [
            file for files in self._months.values() for file in files if file.is_relative_to(self._folder)
        ]

    @cached_property
    def _months(self) -> dict[datetime, list[Path]]:
        folder = self._folder / INTERACTIONS
        months: dict[datetime, list[Path]] = {}
        imported = sorted([*folder.glob("*.parquet"), *folder.glob("*/*.parquet")])
        for file in [*imported, *(InteractionLog(self._folder).months() if imported else [])]:
            name = file.parent.name if file.parent.parent == folder else file.stem
            month = datetime.strptime(name, MONTH_FORMAT).replace(tzinfo=UTC)
            months.setdefault(month, []).append(file)
        return months

    def _month_files(self, before: datetime) -> list[Path]:
        return [file for month, files in sorted(self._months.items()) if month < before for file in files]

    def _single(self, name: str) -> Path:
        file = self._folder / f"{name}.parquet"
        if not file.exists():
            raise DataError(f"no table {name!r} in {self._folder}; import the tables first")
        return file

    def _label(self, file: Path) -> str:
        inside = file.is_relative_to(self._folder)
        return str(file.relative_to(self._folder if inside else self._folder.parent))

    def _digest(self, file: Path) -> str:
        if file not in self._digests:
            with file.open("rb") as content:
                self._digests[file] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._digests[file]
