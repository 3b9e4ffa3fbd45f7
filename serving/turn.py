"""One worker answers at a time; another stands by, loaded, and answers the moment the first is gone."""

import asyncio
import fcntl
import os
import signal
from pathlib import Path

LOOK_EVERY_SECONDS = 0.05


class Turn:
    """A lock that the system takes away from a process that ends, however it ends."""

    def __init__(self, file: Path) -> None:
        """Nothing is locked yet.

        Args:
            file: The same for all workers of a server, and for nobody else.
        """
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    async def come(self) -> None:
        """Return when it is this worker's turn; asked to end before that, the process ends at once.

        For the main thread: whoever waits has nothing to finish, and the server's own way to end begins only
        when it has started.
        """
        later = signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while not self._taken():
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        signal.signal(signal.SIGTERM, later)

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
