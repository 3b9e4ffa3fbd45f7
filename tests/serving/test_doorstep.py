import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from serving.doorstep import whole_path
from tests.serving.doors import connected

BODY = b'{"customer_id": "ann"}'
LATE = 0.02


def request(path: str = "/v1/churn", *lines: str, body: bytes = BODY) -> bytes:
    head = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


@pytest.mark.parametrize(
    "unusual",
    [
        request()[:-1],
        request() + b"P",
        request("/v1/churn", "transfer-encoding: chunked"),
        request("/v1/churn", "Expect: 100-continue"),
        request("/v1/churn", "connection: close"),
        request("/v1/churn", "content-length: 3"),
        request("/v1/churn", "Content-Length : 30"),
        request("/v1/churn", "content-length: 3x"),
        request("/v1/churn", "connection: keep-alive, close"),
        request("/v1/churn", "transfer-encoding : chunked"),
        request("/v1/churn", "x: y\ntransfer-encoding: chunked"),
        request("/v1/churn", "upgrade: websocket"),
        request("/v1/churn", " folded: onto the line before"),
        request("/v1/churn?x=1"),
        request("/readyz"),
        request().replace(b"POST", b"GET"),
        request().replace(b"1.1", b"1.0"),
        request().replace(b"content-length", b"content-size"),
        b"",
    ],
)
def test_what_is_not_a_whole_usual_request_is_not_looked_at(unusual):
    assert whole_path(unusual) is None


def test_a_whole_request_is_known_by_its_path():
    assert whole_path(request("/v1/recommend/similar", "Connection: keep-alive")) == "/v1/recommend/similar"


@contextmanager
def door(full: threading.Event, asked: threading.Event | None = None) -> Iterator[socket.socket]:
    """A connection to a server that answers 200, and turns away what comes while it is full."""
    asked = asked or threading.Event()

    async def app(scope, receive, send):
        message = await receive()
        while message.get("more_body"):
            message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    class Porter:
        @property
        def is_full(self):
            asked.set()
            return full.is_set()

        def turned_away(self, path, request_id):
            return [(b"x-request-id", request_id.encode()), (b"content-length", b"2")], b"{}"

    with connected(app, Porter(), LATE) as connection:
        yield connection


def answers(connection: socket.socket, count: int) -> list[tuple[int, str]]:
    """Status and request id of so many answers."""
    with connection.makefile("rb") as lines:
        found = []
        for _ in range(count):
            status, headers = int(lines.readline().split()[1]), {}
            while line := lines.readline().strip():
                name, _, value = line.decode().partition(": ")
                headers[name.lower()] = value
            lines.read(int(headers["content-length"]))
            found.append((status, headers.get("x-request-id", "")))
        return found


def test_a_connection_is_answered_turned_away_and_answered_again():
    full = threading.Event()
    with door(full) as connection:
        for expected in (200, 429, 429, 200):
            (full.set if expected == 429 else full.clear)()
            connection.sendall(request("/v1/churn", "x-request-id: my-own-request"))
            ((status, request_id),) = answers(connection, 1)
            assert status == expected
            assert request_id == ("my-own-request" if expected == 429 else "")


def test_who_does_not_wait_for_the_answer_gets_all_of_them_in_order():
    full, asked = threading.Event(), threading.Event()
    full.set()
    with door(full, asked) as connection:
        connection.sendall(request())
        assert asked.wait(5)  # the first is on its way to be refused
        connection.sendall(request("/v1/churn", "x-request-id: the-second-one"))
        found = answers(connection, 2)
        assert [status for status, _ in found] == [429, 429]
        assert found[1][1] == "the-second-one"


def test_a_request_in_two_parts_is_read_as_ever():
    full = threading.Event()
    full.set()
    whole = request()
    with door(full) as connection:
        for part in (whole[:40], whole[40:]):
            connection.sendall(part)
            threading.Event().wait(0.05)
        assert answers(connection, 1) == [(200, "")]
        connection.sendall(whole)
        assert answers(connection, 1)[0][0] == 429
