"""Starting a server: for as long as a block of code runs, or in place of this process."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from attune.config import Workspace
from attune.errors import ConfigError
from serving.access import Access
from serving.api_keys import KEYS_FILE_VARIABLE, KEYS_VARIABLE, is_loopback
from serving.application import check
from serving.process import LAUNCHER, LOOPBACK, PortTakenError, ServerProcess, arguments, environment
from serving.settings import ServingSettings

READY_SECONDS = 180.0
ATTEMPTS = 3  # how many free ports are tried


@dataclass(frozen=True)
class RunningServer:
    """A server that has made a prediction with every champion.

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
    """Run a server for callers on this machine for as long as the block lasts.

    It ends with the block, and with this process too, however that ends.

    Args:
        workspace: Whose models, features and customers it serves.
        port: Where it listens; 0 chooses a free port.
        settings: Limits and deadlines.
        ready_seconds: How long it may take to make its first predictions.

    Raises:
        StartError: It ended or was not ready in time; the message has the end of its log.
    """
    with _ready(workspace, settings or ServingSettings(), port, ready_seconds) as process:
        yield RunningServer(process.url, process.pid, process.log)


def _ready(workspace: Workspace, settings: ServingSettings, port: int, seconds: float) -> ServerProcess:
    """A server that answers; a port that was free may be taken before it listens: then another is tried."""
    for left in reversed(range(1 if port else ATTEMPTS)):
        with ExitStack() as ending:
            process = ending.enter_context(ServerProcess(workspace, settings, port or _free_port()))
            try:
                process.wait_until_ready(seconds)
            except PortTakenError:
                if not left:
                    raise
                continue
            ending.pop_all()
            break
    return process


def serve(workspace: Workspace, host: str, port: int, now: datetime | None = None) -> NoReturn:
    """Become a server: this process is replaced by BentoML's.

    Args:
        workspace: Whose models, features and customers it serves.
        host: The address to listen on; any but this machine's own needs API keys.
        port: The port to listen on.
        now: The moment that every request counts as, to replay a past; None is as the settings say.

    Raises:
        ConfigError: The address would be open to others without keys, or is taken.
        AttuneError: The workspace cannot be served; the message says what to do.
    """
    settings = ServingSettings.here()
    for listening in (host, settings.admin_host):
        _require_safe(listening)
    check(workspace)
    _require_free(host, port)
    if now is not None:
        settings = settings.model_copy(update={"now": now})
    command = [sys.executable, "-m", LAUNCHER, *arguments(host, port)]
    variables = environment(workspace, settings, port)
    os.execve(sys.executable, command, variables)  # noqa: S606 - a fixed program, no shell


def _require_safe(host: str) -> None:
    if not is_loopback(host) and not Access.here():
        raise ConfigError(
            f"{host} can be reached from other machines and there are no API keys; set {KEYS_VARIABLE} or "
            f"{KEYS_FILE_VARIABLE}, or listen on {LOOPBACK}"
        )


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
        except (OSError, OverflowError) as error:
            raise ConfigError(f"cannot listen on {host}:{port} ({error}); choose another port") from error
