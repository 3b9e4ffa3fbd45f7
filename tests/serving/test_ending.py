import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

SERVER = """
import asyncio, sys, uvicorn
from serving import ending as module
module.QUIET_SECONDS = module.LONGEST_SECONDS = 3  # a busy machine is slow to ask
ending = module.Ending()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        ending.put_off()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(2)
    word = b"close" if ending.begun else b"keep-alive"
    head = [(b"content-length", b"2"), (b"connection", word)]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"{}"})

uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(port)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield process, port
    process.kill()
    process.wait()


def asked(connection: http.client.HTTPConnection, path: str = "/") -> http.client.HTTPResponse:
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.read() == b"{}"
    return response


def test_who_is_connected_is_answered_once_more_and_told_to_close(server):
    process, port = server
    idle, busy = (http.client.HTTPConnection("127.0.0.1", port) for _ in range(2))
    assert not asked(idle).will_close
    busy.request("GET", "/slow")
    os.kill(process.pid, signal.SIGTERM)
    # The request comes when the server was asked to end, over a connection on which nothing was under way.
    while not asked(idle).will_close:
        time.sleep(0.01)
    response = busy.getresponse()
    assert (response.read(), response.will_close) == (b"{}", True)
    assert process.wait(30) == -signal.SIGTERM
