"""How a benchmark records what it measured: a JSON file for machines, tables in the README for people."""

import json
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil

from attune.config import Settings

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
START, END = "<!-- results: made by `python -m benchmarks.results` -->", "<!-- end of results -->"
COLUMNS = ("id", "value", "unit", "peer", "data", "protocol", "date")


class Result(Settings):
    """One measured figure, with all that is needed to measure it again."""

    id: str
    value: float
    unit: str
    peer: str | None
    data: str
    protocol: str
    command: str
    machine: str
    date: str

    @classmethod
    def here(
        cls,
        name: str,
        value: float,
        unit: str,
        *,
        data: str,
        protocol: str,
        command: str,
        peer: str | None = None,
    ) -> Self:
        """A figure that was measured on this machine, today."""
        return cls(
            id=name,
            value=value,
            unit=unit,
            peer=peer,
            data=data,
            protocol=protocol,
            command=command,
            machine=machine(),
            date=today(),
        )


def machine() -> str:
    """This machine, in words."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def today() -> str:
    """Today's date (UTC)."""
    return datetime.now(UTC).date().isoformat()


def write_results(name: str, results: list[Result]) -> Path:
    """Write `results/<name>.json` and bring the README's tables up to date."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    rows = [result.model_dump() for result in results]
    file.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    refresh_readme()
    return file


def add_results(name: str, results: Iterable[Result]) -> Path:
    """Write figures beside those that are there; the same id is replaced."""
    rows = {row.id: row for row in (*read_results(name), *results)}
    return write_results(name, sorted(rows.values(), key=lambda row: row.id))


def read_results(name: str) -> list[Result]:
    """What `results/<name>.json` holds; nothing where there is no such file yet."""
    file = RESULTS / f"{name}.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    return [Result.model_validate(row) for row in rows]


def refresh_readme() -> None:
    """Make the README's tables from the result files."""
    readme = FOLDER / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    readme.write_text(f"{before}{START}\n\n{tables()}\n{END}{after}", encoding="utf-8")


def tables() -> str:
    """All results as Markdown, one table a benchmark."""
    return "\n".join(_table(file) for file in sorted(RESULTS.glob("*.json")))


def _table(file: Path) -> str:
    results = read_results(file.stem)
    lines = [f"### {file.stem}", "", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    for result in results:
        cells = [
            "-" if cell is None else f"{cell:g}" if isinstance(cell, float) else cell
            for cell in _cells(result)
        ]
        lines.append(f"| {' | '.join(cells)} |")
    commands = sorted({f"`{result.command}` on {result.machine}" for result in results})
    return "\n".join([*lines, "", *commands, ""])


def _cells(result: Result) -> list[str | float | None]:
    return [getattr(result, column) for column in COLUMNS]


if __name__ == "__main__":
    refresh_readme()
