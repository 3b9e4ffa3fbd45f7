"""Starting a server: for as long as a block of code runs, or in place of this process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import httpx

from attune.config import HOME_VARIABLE, Workspace
from attune.errors import AttuneError, ConfigError
from serving.api_keys import KEYS_FILE_VARIABLE, KEYS_VARIABLE, ApiKeys, is_loopback
from serving.application import check
from serving.settings import SETTINGS_VARIABLE, ServingSettings
from serving.supervisor import SUPERVISOR_VARIABLE

LOOPBACK = "127.0.0.1"
SERVICE = "serving.service:Attune"
READY_SECONDS = 180.0
DRAIN_SECONDS = 10
ATTEMPTS = 3
LAST_LINES = 20


class StartError(AttuneError):
    """The server did not come up."""


@dataclass(frozen=True)
class RunningServer:
    """A server that has made a real prediction with every champion.

    Attributes:
        url: Where it answers.
        pid: Its supervising process.
        log: What it printed.
    """

    url: str
    pid: int
    log: Path


@contextmanager
def start(
    workspace: Workspace,
    port: int = 0,
    settings: ServingSettings | None = None,
    ready_seconds: float = READY_SECONDS,
) -> Iterator[RunningServer]:
    """Run a server on this machine alone for as long as the block lasts.

    It ends with the block, and with this process too, however that ends.

    Args:
        workspace: Whose models, features and customers it serves.
        port: Where it listens; 0 chooses a free port.
        settings: Limits and deadlines.
        ready_seconds: How long it may take to make its first predictions.

    Raises:
        StartError: It ended or was not ready in time; the message has the end of its log.
    """
    process, server = _come_up(workspace, port, settings or ServingSettings(), ready_seconds)
    try:
        yield server
    finally:
        _end(process)


def serve(workspace: Workspace, host: str, port: int) -> NoReturn:
    """Become a server: this process is replaced by BentoML's.

    Args:
        workspace: Whose models, features and customers it serves.
        host: The address to listen on; any but this machine's own needs API keys.
        port: The port to listen on.

    Raises:
        ConfigError: The address would be open to others without keys, or is taken.
        AttuneError: The workspace cannot be served; the message says what to do.
    """
    if not is_loopback(host) and not ApiKeys.here():
        raise ConfigError(
            f"{host} can be reached from other machines and there are no API keys; set {KEYS_VARIABLE} or "
            f"{KEYS_FILE_VARIABLE}, or listen on {LOOPBACK}"
        )
    check(workspace)
    _require_free(host, port)
    home = _home(workspace, port)
    environment = _environment(workspace, ServingSettings.here(), home)
    environment[SUPERVISOR_VARIABLE] = str(os.getpid())
    command = [sys.executable, "-m", "bentoml", *_arguments(host, port)]
    os.execve(sys.executable, command, environment)  # noqa: S606 - a fixed program, no shell


def _come_up(
    workspace: Workspace, port: int, settings: ServingSettings, ready_seconds: float
) -> tuple["subprocess.Popen[bytes]", RunningServer]:
    attempts = 1 if port else ATTEMPTS
    for attempt in range(1, attempts + 1):
        chosen = port or _free_port()
        process, server = _spawn(workspace, chosen, settings)
        try:
            _wait_until_ready(process, server, ready_seconds)
        except StartError:
            _end(process)
            # Somebody else may have taken the free port in between; then another one is tried.
            if attempt == attempts or "Address already in use" not in _tail(server.log):
                raise
        except BaseException:
            _end(process)
            raise
        else:
            return process, server
    raise AssertionError("the last attempt returns or raises")


def _spawn(
    workspace: Workspace, port: int, settings: ServingSettings
) -> tuple["subprocess.Popen[bytes]", RunningServer]:
    home = _home(workspace, port)
    log = home / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - a fixed program, no shell
            [sys.executable, "-m", "serving.launcher", *_arguments(LOOPBACK, port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(workspace, settings, home),
            start_new_session=True,
        )
    return process, RunningServer(f"http://{LOOPBACK}:{port}", process.pid, log)


def _arguments(host: str, port: int) -> list[str]:
    drain = ["--timeout-graceful-shutdown", str(DRAIN_SECONDS)]
    return ["serve", SERVICE, "--host", host, "--port", str(port), *drain]


def _environment(workspace: Workspace, settings: ServingSettings, home: Path) -> dict[str, str]:
    return {
        **os.environ,
        HOME_VARIABLE: str(workspace.root.absolute()),
        SETTINGS_VARIABLE: settings.model_dump_json(),
        # Its folder of metrics is emptied at every start, so two servers must not share it.
        "BENTOML_HOME": str(home),
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONUNBUFFERED": "1",
        # One process for each core is the plan; threads below it would only fight for the cores.
        "OMP_NUM_THREADS": "1",
    }


def _home(workspace: Workspace, port: int) -> Path:
    home = workspace.runs / "serving" / str(port)
    home.mkdir(parents=True, exist_ok=True)
    return home


def _wait_until_ready(process: "subprocess.Popen[bytes]", server: RunningServer, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    answer = "nothing yet"
    with httpx.Client(trust_env=False, timeout=5) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StartError(
                    f"the server ended while starting; {server.log} ends with:\n{_tail(server.log)}"
                )
            try:
                response = http.get(f"{server.url}/readyz")
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if response.status_code == 200:
                return
            answer = response.text
            time.sleep(0.1)
    raise StartError(
        f"the server was not ready within {seconds:g} seconds (it said: {answer}); {server.log} ends with:\n"
        f"{_tail(server.log)}"
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(DRAIN_SECONDS + 5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _tail(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, maxlen=LAST_LINES))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port} ({error}); choose another port") from error
