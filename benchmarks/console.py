"""How long the pages of the governance console take in a real browser, and how large they are.

`python -m benchmarks.console [HOME]` measures every page of a workspace; without one, of a busy use case made
for it: 30 versions, 26 looks at 40 features, and the log that goes with them.
"""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from attune.config import Workspace
from attune.registry import Registry
from benchmarks.browser import Browser, Loaded, browser
from benchmarks.results import Result, add_results
from tests.monitoring.console.governed import OCTOBER, make_workspace, moved, register, save_look

VERSIONS, LOOKS, FEATURES, ROUNDS = 30, 26, 40, 3
_READY_S = 120.0


def busy(root: Path) -> Workspace:
    """A use case with a long history."""
    workspace = make_workspace(root)
    registry = Registry(workspace)
    for number in range(3, VERSIONS + 1):
        register(workspace, registry, "churn", number, "as good as the one before")
    features = tuple(moved(f"feature_{number}") for number in range(FEATURES))
    for week in range(LOOKS):
        save_look(workspace, features, OCTOBER + timedelta(days=7 * week))
    return workspace


def measure(home: Path, scratch: Path) -> list[tuple[str, Loaded]]:
    """Every page, as often as there are rounds."""
    model = Registry(Workspace(root=home)).names()[0]
    champion = Registry(Workspace(root=home)).champion(model)
    version = f"/use-cases/{model}/versions/{champion.version if champion else 1}"
    pages = ["/", "/audit", "/rights", "/chain", f"/use-cases/{model}", f"/use-cases/{model}/drift"]
    pages += [version, f"{version}/card", f"{version}/datasheet", f"{version}/decide"]
    with _served(home) as address, browser(scratch / "profile") as tab:
        return [(page, _opened(tab, address + page)) for _ in range(ROUNDS) for page in pages]


def main() -> None:
    """Measure, print a line a page, and record the worst of each figure."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        home = Path(sys.argv[1]) if len(sys.argv) > 1 else busy(scratch / "data").root
        found = measure(home, scratch)
    for page, loaded in found:
        print(
            f"{loaded.seconds:6.2f} s {loaded.bytes / 1000:7.1f} kB {len(loaded.addresses)} requests  {page}"
        )
    slowest = max(loaded.seconds for _, loaded in found)
    largest = max(loaded.bytes for _, loaded in found) / 1000
    _record({"console_page_max_s": (slowest, "s"), "console_page_max_kb": (largest, "kB")})


def _opened(tab: Browser, address: str) -> Loaded:
    loaded = tab.open(address)
    if loaded.status != httpx.codes.OK:
        raise RuntimeError(f"{address} was answered with {loaded.status}")
    return loaded


def _record(figures: dict[str, tuple[float, str]]) -> None:
    """Put the figures beside the others of monitoring."""
    protocol = f"10 pages, {ROUNDS} times each, in headless Chromium until all is loaded; the worst of all"
    data = f"{VERSIONS} versions, {LOOKS} looks at {FEATURES} features" if len(sys.argv) == 1 else sys.argv[1]
    rows = [
        Result.here(
            name=name,
            value=round(value, 3),
            unit=unit,
            data=data,
            protocol=protocol,
            command="python -m benchmarks.console",
        )
        for name, (value, unit) in figures.items()
    ]
    add_results("monitoring", rows)


@contextmanager
def _served(home: Path) -> Iterator[str]:
    """The console as people start it, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "pipelines.cli", "console", "serve", "--home", str(home)]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + _READY_S
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the console did not start; start it by hand and see what it says")
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/static/mark.svg", timeout=5).is_success
    except httpx.TransportError:
        return False


if __name__ == "__main__":
    main()
