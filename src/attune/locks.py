"""One at a time, across processes; the system lets go of a lock when its holder dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attune.errors import AttuneError, ConfigError
from attune.progress import say

PATIENCE_VARIABLE = "ATTUNE_PATIENCE_SECONDS"
LOOK_EVERY_SECONDS = 0.5


class BusyError(AttuneError):
    """Somebody else is writing here."""


@contextmanager
def in_turn(file: Path) -> Iterator[None]:
    """Wait until nobody else holds a lock file, and hold it; its folder must be there."""
    with file.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder for writing: at once, or within as many seconds as ATTUNE_PATIENCE_SECONDS says.

    Raises:
        BusyError: Another process holds it.
        ConfigError: The variable is no number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        if not _take(file):
            _wait(file, folder, _patience())
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _take(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(file: IO[str], folder: Path, patience: float) -> None:
    """Return with the lock, or say who has it."""
    deadline = time.monotonic() + patience
    if patience:
        say(f"{folder} is in use by process {_holder(file)}; waiting for {patience:g} s at most")
    while time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_SECONDS)
        if _take(file):
            return
    raise BusyError(
        f"{folder} is in use by process {_holder(file)}; wait until it ends, or choose another --home"
    )


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def _patience() -> float:
    text = os.environ.get(PATIENCE_VARIABLE, "0")
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"{PATIENCE_VARIABLE} is {text!r}; write seconds, such as 3600") from error
