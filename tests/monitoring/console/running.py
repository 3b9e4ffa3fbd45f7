"""A console that really listens, for as long as a block of tests runs."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from attune.config import Workspace
from monitoring.console.access import PEOPLE_FILE, Access
from monitoring.console.app import application
from monitoring.console.desk import Desk
from monitoring.console.evidence import Evidence


@contextmanager
def console(workspace: Workspace, *, guests: bool = True) -> Iterator[str]:
    """Serve a workspace on a port of its own, and give the address."""
    desk = Desk(Evidence(workspace), Access(workspace.keys / PEOPLE_FILE), guests=guests, secure=False)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        settings = uvicorn.Config(application(desk, ["127.0.0.1"]), log_level="warning", lifespan="off")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join()
