"""A sign of life on a shared volume: who waits for a job renews it, and a job that nobody awaits ends itself.

A signal may not reach who waits, or leave no time: a pod that is killed says nothing. The file then stays
as it is, and the nodes see that.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from attune.progress import say
from attune.repeating import repeating

EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 180.0


@contextmanager
def alive(file: Path, every: float = EVERY_SECONDS) -> Iterator[None]:
    """Renew a file for as long as the block lasts."""
    numbers = count()

    def renew() -> None:
        file.write_text(str(next(numbers)), encoding="utf-8")

    renew()
    with repeating(every, renew):
        yield


def end_without(file: Path, patience: float = PATIENCE_SECONDS) -> None:
    """End this process when a file has not been renewed for a while, by this machine's own clock."""
    threading.Thread(target=_watch, args=(file, patience), daemon=True).start()


def _watch(file: Path, patience: float) -> None:
    seen, since = b"", time.monotonic()
    while time.monotonic() - since < patience:
        try:
            found = file.read_bytes()
        except OSError:  # away for a moment, or for good
            found = seen
        if found != seen:
            seen, since = found, time.monotonic()
        time.sleep(patience / 10)
    say(f"nobody has waited for this job for {patience:.0f} s ({file} stays as it is): it ends")
    os._exit(1)
