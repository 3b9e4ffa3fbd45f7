"""Thousands of random histories: the point-in-time join beside a search that looks at every row."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import typer

from benchmarks.results import Result, add_results

TEST = "tests/features/test_asof.py::test_every_value_equals_that_of_a_plain_search"


def main(cases: int = 5000) -> None:
    """Run the property test of the join on so many histories; a difference is shown at its smallest."""
    before = _cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--timeout=0", TEST],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"ATTUNE_PROPERTY_CASES": str(cases)},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    seconds = _cpu_of_children() - before
    found = Result.here(
        name="asof_property_cases",
        value=cases,
        unit="cases, none differs",
        data="random histories: ties, late and repeated rows, edges of lifetimes, time zones, several keys",
        protocol=f"Hypothesis: the join beside a search that looks at every row; {seconds:.0f} CPU s",
        command=f"python -m benchmarks.features_properties --cases {cases}",
    )
    print(add_results("features", [found]))


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    typer.run(main)
