"""The last moments of a worker: nobody is cut off by its end.

uvicorn, asked to end, closes every connection on which nothing is under way at once; a request that is just
then on its way over one of these is lost. So it is asked a little later: from SIGTERM on no new connection is
taken, and every answer says `connection: close`; when no request has come for a while, uvicorn is told.
"""

import asyncio
import signal
import time
from types import FrameType

import uvicorn

QUIET_SECONDS = 0.2
LONGEST_SECONDS = 2.0


class Ending:
    """Stands between SIGTERM and the server of this process."""

    def __init__(self) -> None:
        self.begun = False
        self.last_request = 0.0

    def put_off(self) -> uvicorn.Server | None:
        """Stand before the server's own handler of SIGTERM, and say which server it is.

        For the main thread, from within its loop.
        """
        handler = signal.getsignal(signal.SIGTERM)
        server = getattr(handler, "__self__", None)
        if not isinstance(server, uvicorn.Server):
            return None
        self._loop, self._server = asyncio.get_running_loop(), server
        signal.signal(signal.SIGTERM, self._begin)
        return server

    def _begin(self, number: int, frame: FrameType | None) -> None:
        if self.begun:  # asked twice
            self._server.handle_exit(number, frame)
            return
        self.begun, self.last_request = True, time.monotonic()
        self._loop.call_soon_threadsafe(self._close, number, time.monotonic() + LONGEST_SECONDS)

    def _close(self, number: int, latest: float) -> None:
        for listening in self._server.servers:
            listening.close()
        self._look(number, latest)

    def _look(self, number: int, latest: float) -> None:
        now = time.monotonic()
        if now >= min(latest, self.last_request + QUIET_SECONDS):
            self._server.handle_exit(number, None)
        else:
            self._loop.call_later(QUIET_SECONDS / 4, self._look, number, latest)
