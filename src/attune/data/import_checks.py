"""What the checks of one import found so far, and what becomes of it: refused, set aside, or noted."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from attune.config import Settings
from attune.data.check_report import CheckReport, report_of
from attune.data.contracts import Violation, refusal
from attune.data.quarantine import Rejected, reject
from attune.data.raw import RawTables
from attune.errors import DataError


class ImportOptions(Settings):
    """How strict an import is; left out, it is strict.

    Attributes:
        quarantine: Set rows aside that do not hold, with the reason, and take the others.
        accept_changes: Take tables that differ from what was usual; you have looked at the report.
    """

    quarantine: bool = False
    accept_changes: bool = False


class RefusedImportError(DataError):
    """An import that was refused; nothing was written."""

    def __init__(self, message: str, report: CheckReport) -> None:
        """Keep what the checks said beside the message."""
        super().__init__(message)
        self.report = report


@dataclass
class ImportChecks:
    """What was found so far in the tables of one source.

    Attributes:
        refusing: Reasons to refuse.
        quarantining: What is wrong with rows that are set aside.
        not_computed: What could not be checked, and why.
    """

    raw: RawTables
    options: ImportOptions
    refusing: list[Violation] = field(default_factory=list)
    quarantining: list[Violation] = field(default_factory=list)
    not_computed: list[str] = field(default_factory=list)

    @property
    def read(self) -> dict[str, int]:
        """Table -> rows of the source."""
        return {name: len(table) for name, table in self.raw.tables().items()}

    @property
    def rejected(self) -> Rejected:
        """The rows that are set aside."""
        return reject(self.quarantining)

    def add(self, found: Iterable[Violation]) -> None:
        """Note what was found: a row that can be set aside is no reason to refuse, where that is wanted."""
        for each in found:
            apart = self.options.quarantine and each.index
            (self.quarantining if apart else self.refusing).append(each)

    def report(self) -> CheckReport:
        """What the checks say, once nothing is left to find."""
        aside = {name: len(rows) for name, rows in self.rejected.items()}
        return report_of(
            self.raw.source, self.read, self.refusing, self.quarantining, self.not_computed, aside
        )

    def refuse(self) -> None:
        """Refuse the import if there is a reason.

        Raises:
            RefusedImportError: There is.
        """
        if self.refusing:
            raise RefusedImportError(refusal(self.raw.source, self.refusing), self.report())
