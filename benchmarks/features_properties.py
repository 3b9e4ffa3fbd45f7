"""Thousands of random histories: the point-in-time join beside a search that looks at every row."""

import os
import subprocess
import sys
import time
from pathlib import Path

import typer

TEST = "tests/features/test_asof.py::test_every_value_equals_that_of_a_plain_search"


def main(cases: int = 5000) -> None:
    """Run the property test of the join on so many histories; a difference is shown at its smallest."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", TEST],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"ATTUNE_PROPERTY_CASES": str(cases)},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    print(f"{cases:,} random histories equal to a plain search, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
