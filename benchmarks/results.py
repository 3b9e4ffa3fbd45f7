"""How a benchmark records what it measured: a JSON file for machines, tables in the README for people."""

import json
import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil

from attune.config import Settings

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
START, END = "<!-- results: made by `python -m benchmarks.results` -->", "<!-- end of results -->"
COLUMNS = ("id", "value", "unit", "peer")


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
    """All results as Markdown: one heading a benchmark, one table for what was measured together."""
    return "\n".join(_section(file) for file in sorted(RESULTS.glob("*.json")))


def _section(file: Path) -> str:
    together = defaultdict(list)
    for result in read_results(file.stem):
        together[_circumstances(result)].append(result)
    parts = [f"{said}\n\n{_table(results)}\n" for said, results in together.items()]
    return "\n".join([f"### {file.stem}\n", *parts])


def _circumstances(result: Result) -> str:
    return f"**{result.data}**: {result.protocol} (`{result.command}`, {result.machine}, {result.date})"


def _table(results: list[Result]) -> str:
    compared = {_figure(row) for row in results if _is_of_peer(row)}
    alone = [row for row in results if _figure(row) not in compared]
    tables = [_table_of_peers([row for row in results if row not in alone])] if compared else []
    if alone:
        cells = ((row.id, f"{row.value:g}", row.unit, row.peer or "-") for row in alone)
        tables.append(_markdown(COLUMNS, cells))
    return "\n\n".join(tables)


def _table_of_peers(results: list[Result]) -> str:
    """One row a model, one column a figure: easier to compare than one row a figure."""
    figures = {(_figure(row), row.peer or "ours"): f"{row.value:g}" for row in results}
    names = list(dict.fromkeys(name for name, _ in figures))
    models = sorted({model for _, model in figures}, key=lambda model: (model != "ours", model))
    rows = [(model, *(figures.get((name, model), "-") for name in names)) for model in models]
    return _markdown(("model", *names), rows)


def _is_of_peer(result: Result) -> bool:
    return result.peer is not None and result.id.endswith(f"_{result.peer}")


def _figure(result: Result) -> str:
    """The figure's name without the peer that it was measured for."""
    return result.id.removesuffix(f"_{result.peer}")


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


if __name__ == "__main__":
    refresh_readme()
