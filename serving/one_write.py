"""Sending the head of an answer together with its body.

uvicorn writes them one after the other, and each write is a call of the system that wakes the caller: one of
them is a twentieth of what a churn answer costs.
"""

import asyncio
from typing import Any

HEAD = b"HTTP/1.1 "
INTERIM = b"HTTP/1.1 1"  # 100 Continue has no body that it could wait for


class OneWrite:
    """A transport that keeps the head of an answer until its body comes, or until the loop has a moment."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is kept yet.

        Args:
            transport: Does everything else.
            loop: It runs on.
        """
        self._transport, self._loop, self._head = transport, loop, b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send data, after what was kept; or keep it, where it is a head."""
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(HEAD) and not data.startswith(INTERIM):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        """Send what was kept, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = b""
