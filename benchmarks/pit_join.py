"""The point-in-time join beside Feast's own engines: the same data, each in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import typer

from attune.config import Settings
from benchmarks.pit_data import Case, case_of
from benchmarks.results import Result, add_results

PROTOCOL = (
    "get_historical_features to Arrow, each engine in a process of its own, one after the other; processor "
    "seconds of the call, peak resident memory of the process; peer / ours; values equal to DuckDB's"
)
PREFIX = {"wide": "pit", "dense": "pit_dense", "large": "pit_large"}


class Cost(Settings):
    """What a join cost: processor and wall seconds, peak resident memory in GiB, and how many rows came."""

    cpu_s: float
    wall_s: float
    peak_gib: float
    rows: int


def measure(name: str, scale: float = 1.0, dask: bool = False) -> list[Result]:
    """Join one case with every engine and compare.

    Args:
        name: `wide` and `dense` stand beside DuckDB, `large` alone.
        scale: Share of the full size.
        dask: Whether Feast's default engine, which takes minutes and loses rows, is measured too.

    Raises:
        SystemExit: An engine failed, or ours gave other values than DuckDB's.
    """
    case = case_of(name, scale)
    engines = ["ours", *(["duckdb"] if name != "large" else []), *(["dask"] if dask else [])]
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what a parent holds counts in the peak memory of its children.
        _python("benchmarks.pit_data", name, str(scale), folder)
        costs = {engine: _run(engine, Path(folder)) for engine in engines}
        if "duckdb" in costs:
            _require_equal(Path(folder))
    return _results(case, costs, f"python -m benchmarks.pit_join {name} --scale {scale:g}")


def _run(engine: str, folder: Path) -> Cost:
    printed = _python("benchmarks.pit_contender", engine, str(folder))
    last = [line for line in printed.splitlines() if line.startswith("{")][-1]
    print(f"{engine}: {last}", flush=True)
    return Cost.model_validate(json.loads(last))


def _python(module: str, *arguments: str) -> str:
    """Run a module in a process of its own; what it printed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])} failed with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _require_equal(folder: Path) -> None:
    ours = pl.read_parquet(folder / "ours.parquet")
    peer = pl.read_parquet(folder / "duckdb.parquet").sort("row")
    if not ours.equals(peer):
        differing = [name for name in ours.columns if not ours[name].equals(peer[name])]
        raise SystemExit(f"ours and DuckDB's values differ in {', '.join(differing)}")


def _results(case: Case, costs: Mapping[str, Cost], command: str) -> list[Result]:
    prefix, ours = PREFIX[case.name], costs["ours"]
    figures = {f"{prefix}_cpu_s": (ours.cpu_s, "s"), f"{prefix}_peak_rss_gib": (ours.peak_gib, "GiB")}
    for peer in [engine for engine in costs if engine != "ours"]:
        figures[f"{prefix}_cpu_ratio_{peer}"] = costs[peer].cpu_s / ours.cpu_s, "ratio"
        figures[f"{prefix}_memory_ratio_{peer}"] = costs[peer].peak_gib / ours.peak_gib, "ratio"
    return [
        Result.here(
            name=name,
            value=round(value, 2),
            unit=unit,
            peer=f"Feast {name.rpartition('_')[2]}" if unit == "ratio" else None,
            data=case.words(),
            protocol=PROTOCOL,
            command=command,
        )
        for name, (value, unit) in figures.items()
    ]


def main(case: str, scale: float = 1.0, dask: bool = False) -> None:
    """Measure one case (wide, dense or large), print, and write beside the other figures."""
    results = measure(case, scale, dask)
    print(json.dumps([result.model_dump() for result in results], indent=2))
    add_results("features", results)


if __name__ == "__main__":
    typer.run(main)
