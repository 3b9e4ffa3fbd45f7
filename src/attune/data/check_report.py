"""What the checks of one import said: for people, for the next step, and for the page."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from attune.config import Settings
from attune.data.contracts import Violation


class Finding(Settings):
    """One rule that does not hold.

    Attributes:
        column: Empty where the table as a whole is meant.
        count: Rows that break it; 0 where it is not about rows.
        examples: First offending values; none for customer ids.
        rows: First offending rows, counted from 1 in the order of the source.
        quarantined: Whether the rows were set aside; else the import was refused.
    """

    table: str
    column: str
    rule: str
    count: int
    examples: tuple[str, ...]
    rows: tuple[int, ...]
    quarantined: bool

    @classmethod
    def of(cls, found: Violation, *, quarantined: bool) -> Self:
        """Describe a violation."""
        return cls(
            table=found.table,
            column=found.column,
            rule=found.rule,
            count=found.count,
            examples=found.examples,
            rows=found.rows,
            quarantined=quarantined,
        )


class CheckReport(Settings):
    """The checks of one import.

    Attributes:
        source: What was to be imported.
        checked_at: When, in UTC.
        accepted: Whether the tables were written.
        rows: Table -> rows that were read.
        quarantined: Table -> rows that were set aside.
        findings: What does not hold, the reasons to refuse first.
        not_computed: What could not be checked, and why.
    """

    source: str
    checked_at: datetime
    accepted: bool
    rows: dict[str, int]
    quarantined: dict[str, int]
    findings: tuple[Finding, ...]
    not_computed: tuple[str, ...]

    def write(self, file: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}.unfinished")
        unfinished.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        unfinished.replace(file)


def report_of(
    source: str,
    rows: Mapping[str, int],
    refusing: Iterable[Violation],
    quarantining: Iterable[Violation],
    not_computed: Iterable[str],
    quarantined: Mapping[str, int],
) -> CheckReport:
    """Put together what was found."""
    reasons = [Finding.of(found, quarantined=False) for found in refusing]
    set_aside = [Finding.of(found, quarantined=True) for found in quarantining]
    return CheckReport(
        source=source,
        checked_at=datetime.now(UTC),
        accepted=not reasons,
        rows=dict(rows),
        quarantined=dict(quarantined),
        findings=(*reasons, *set_aside),
        not_computed=tuple(not_computed),
    )
