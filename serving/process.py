"""The process of a server: its command, its environment, its first answer and its end."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Self

import httpx

from attune.config import HOME_VARIABLE, Workspace
from attune.errors import AttuneError
from serving.settings import SETTINGS_VARIABLE, ServingSettings

LOOPBACK = "127.0.0.1"
SERVICE = "serving.service:Attune"
LAUNCHER, WITH_STARTER = "serving.launcher", "--with-starter"
SCRATCH = "tmp"
DRAIN_SECONDS = 10
# Longer than clients and balancers keep an idle connection, so that it is they who close it: where both do at
# the same moment, and five seconds is the default of uvicorn and of httpx, a request is lost on its way.
KEEP_ALIVE_SECONDS = 75
# Where a server counts is its own business: whoever starts it may count elsewhere, or nowhere ("").
METRICS_VARIABLES = ("PROMETHEUS_MULTIPROC_DIR", "PROMETHEUS_MULTIPROCESS_DIR")
LAST_LINES = 20


class StartError(AttuneError):
    """The server did not come up."""


class PortTakenError(StartError):
    """Somebody else listens on its port."""


def arguments(host: str, port: int) -> list[str]:
    """What BentoML's command is told."""
    drain = ["--timeout-graceful-shutdown", str(DRAIN_SECONDS)]
    keep = ["--timeout-keep-alive", str(KEEP_ALIVE_SECONDS)]
    return ["serve", SERVICE, "--host", host, "--port", str(port), *drain, *keep]


def environment(workspace: Workspace, settings: ServingSettings, port: int) -> dict[str, str]:
    """What the server reads beside its command; it makes the folders of what this server writes."""
    home = _home(workspace, port)
    scratch = home / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)  # of a server that was killed
    scratch.mkdir(parents=True)
    inherited = {name: value for name, value in os.environ.items() if name not in METRICS_VARIABLES}
    return {
        **inherited,
        HOME_VARIABLE: str(workspace.root.absolute()),
        SETTINGS_VARIABLE: settings.model_dump_json(),
        # Its folder of metrics is emptied at every start, so two servers must not share it.
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        # BentoML makes folders here, and leaves them behind where it is killed.
        "TMPDIR": str(scratch.absolute()),
        "PYTHONUNBUFFERED": "1",
        # A second thread of the model would only take the core on which requests are read.
        "OMP_NUM_THREADS": "1",
    }


class ServerProcess:
    """A server on this machine that ends when this process does."""

    def __init__(self, workspace: Workspace, settings: ServingSettings, port: int) -> None:
        """Start it; it takes seconds until it answers."""
        variables = environment(workspace, settings, port)
        self.url = f"http://{LOOPBACK}:{port}"
        self.log = _home(workspace, port) / "log.txt"
        with self.log.open("wb") as output:
            # Our end of its standard input closes when we end, however that happens; then it ends too.
            self._process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
                [sys.executable, "-m", LAUNCHER, WITH_STARTER, *arguments(LOOPBACK, port)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=variables,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def wait_until_ready(self, seconds: float) -> None:
        """Return once it has made a prediction with every champion.

        Raises:
            StartError: It ended, or that took longer.
        """
        deadline = time.monotonic() + seconds
        said = "nothing"
        with httpx.Client(base_url=self.url, trust_env=False, timeout=5) as http:
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    said = self._last_words()
                    taken = os.strerror(errno.EADDRINUSE) in said
                    raise (PortTakenError if taken else StartError)(
                        f"the server ended while starting; {said}"
                    )
                try:
                    response = http.get("/readyz")
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if response.status_code == httpx.codes.OK:
                    return
                said = response.text
                time.sleep(0.1)
        raise StartError(f"the server was not ready in {seconds:g} s, it said {said}; {self._last_words()}")

    def end(self) -> None:
        """Let it answer what it has begun, then end it."""
        self._process.terminate()
        try:
            self._process.wait(DRAIN_SECONDS + 5)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.communicate()
        shutil.rmtree(self.log.with_name(SCRATCH), ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _last_words(self) -> str:
        with self.log.open(encoding="utf-8", errors="replace") as lines:
            return f"{self.log} ends with:\n{''.join(deque(lines, maxlen=LAST_LINES))}"


def _home(workspace: Workspace, port: int) -> Path:
    return workspace.runs / "serving" / str(port)
