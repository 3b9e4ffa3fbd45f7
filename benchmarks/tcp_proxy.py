"""A proxy between a client and a server on this machine that can be made to misbehave."""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

HOST = "127.0.0.1"
CHUNK = 1 << 16
LATE_SECONDS = 0.2  # by so much TCP is late when a packet has to be sent again
LOST_SHARE = 0.01

Mode = Literal["sound", "refusing", "silent", "late", "lossy"]


class Proxy:
    """Forwards bytes both ways, as its mode says."""

    def __init__(self, port: int) -> None:
        """Not listening yet.

        Args:
            port: Of the server.
        """
        self._to = port
        self._mode: Mode = "sound"
        self._draw = random.Random(0)  # noqa: S311 - which packet is lost is nobody's secret
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def become(self, mode: Mode) -> None:
        """Change how it behaves; a refusing one ends the connections that there are."""
        asyncio.run_coroutine_threadsafe(self._become(mode), self._loop).result()

    async def listen(self, listening: threading.Event) -> None:
        """Forward for ever."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._forward, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        async with server:
            await server.serve_forever()

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "refusing":
            for writer in list(self._writers):
                writer.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode == "refusing":
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(HOST, self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer, is_reply=True))
        self._writers -= {writer, back}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_reply: bool = False
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                if self._mode == "silent":
                    continue
                if is_reply and (
                    self._mode == "late" or (self._mode == "lossy" and self._draw.random() < LOST_SHARE)
                ):
                    await asyncio.sleep(LATE_SECONDS)
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A proxy before a port, for as long as a block lasts."""
    proxy, listening = Proxy(port), threading.Event()
    loop = asyncio.new_event_loop()
    working = loop.create_task(proxy.listen(listening))

    def work() -> None:
        try:
            loop.run_until_complete(working)
        except asyncio.CancelledError:
            loop.run_until_complete(loop.shutdown_asyncgens())

    thread = threading.Thread(target=work, name="proxy", daemon=True)
    thread.start()
    listening.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(working.cancel)
        thread.join()
