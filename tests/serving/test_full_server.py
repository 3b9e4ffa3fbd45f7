"""A server that is full, over real connections: what it reads and what it does not is told the same."""

import asyncio
import json
import socket
import threading
import time
from http.client import HTTPResponse

import uvicorn

from serving.access import Access
from serving.api_keys import ApiKeys
from serving.edge import Edge
from serving.routes import Action
from serving.settings import ServingSettings
from tests.serving.test_edge import AS_JSON, GOOD, Answer, Question

HELD_SECONDS = 1.0
OWN_ID = {"x-request-id": "my-own-request"}
DIFFERING = {"date", "connection"}


async def hold(question: Question) -> Answer:
    await asyncio.sleep(HELD_SECONDS)
    return Answer(words=[question.word])


async def inside(scope, receive, send):
    """What the edge stands before: it starts and ends."""
    for word in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{word}.complete"})


def told(port: int, path: str = "/v1/hold", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in small letters and body of the answer to a question that is sent all at once."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(GOOD)}"]
    lines += [f"{name}: {value}" for name, value in {**AS_JSON, **headers}.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + GOOD)
        with HTTPResponse(connection) as answer:
            answer.begin()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def test_a_full_server_says_the_same_to_what_it_reads_and_to_what_it_does_not():
    routes = {"/v1/hold": Action("/v1/hold", hold, Question, Answer, "Hold a word.", "score")}
    edge = Edge(inside, lambda: routes, Access(ApiKeys()), ServingSettings(concurrency=1))
    read, found = [], []

    async def counted(scope, receive, send):
        read.append(scope.get("path"))
        await edge(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(counted, http="httptools", log_level="error", access_log=False))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def ask() -> None:
        try:
            while len(read) < 1 or not server.started:
                time.sleep(0.01)
            first = threading.Thread(target=lambda: found.append(told(port)))
            first.start()
            while edge._answering == 0:
                time.sleep(0.01)
            found.append(told(port, **OWN_ID))
            found.append(told(port, **OWN_ID, connection="close"))  # unusual, so it is read
            first.join()
        finally:
            server.should_exit = True

    asking = threading.Thread(target=ask)
    asking.start()
    asyncio.run(server.serve([listening]))  # here, for the edge looks for the server's handler of signals
    asking.join()
    unread, refused, held = found
    assert read == [None, "/v1/hold", "/v1/hold"]
    assert (unread[0], refused[0], held[0]) == (429, 429, 200)
    assert json.loads(unread[2]) == json.loads(refused[2])
    assert json.loads(unread[2])["request_id"] == OWN_ID["x-request-id"]
    same = [{name: each[1][name] for name in each[1].keys() - DIFFERING} for each in (unread, refused)]
    assert same[0] == same[1]
    assert same[0]["retry-after"] == "1"
