"""uvicorn behind a doorstep, and a connection to it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from serving.doorstep import Porter, stand_before


@contextmanager
def connected(app: Any, porter: Porter, seconds: float) -> Iterator[socket.socket]:
    """A connection to a server of an ASGI application, on a port of its own, for as long as a block lasts."""
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    config.load()
    stand_before(config, porter, seconds)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    try:
        with socket.create_connection(listening.getsockname(), timeout=5) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
