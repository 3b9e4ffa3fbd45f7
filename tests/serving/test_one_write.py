import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from serving.one_write import OneWrite
from tests.serving.doors import connected

OK = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """What a transport was told, write by write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.writes.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def written(*steps: Callable[[OneWrite], None]) -> list[bytes]:
    """The writes of a connection, each step in a turn of the loop of its own."""
    wire = Wire()

    async def run() -> None:
        transport = OneWrite(wire, asyncio.get_running_loop())
        for step in steps:
            step(transport)
            await asyncio.sleep(0)

    asyncio.run(run())
    return wire.writes


def writing(*data: bytes) -> Callable[[OneWrite], None]:
    return lambda transport: [transport.write(each) for each in data]


def test_a_head_goes_with_its_body_and_a_second_answer_by_itself():
    assert written(writing(OK, b"one"), writing(OK, b"two")) == [OK + b"one", OK + b"two"]


def test_a_head_whose_body_is_late_does_not_wait_for_it():
    assert written(writing(OK), writing(b"late")) == [OK, b"late"]


def test_what_is_no_head_and_what_has_no_body_goes_at_once():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert written(writing(b"x", interim, OK, b"y", b"z")) == [b"x", interim, OK + b"y", b"z"]


def test_a_connection_that_is_closed_sends_what_was_kept_first():
    def close(transport: OneWrite) -> None:
        transport.write(OK)
        transport.close()

    assert written(close) == [OK]


def test_a_connection_that_was_lost_is_not_written_to():
    def lose(transport: OneWrite) -> None:
        transport.write(OK)
        transport._transport.close()

    assert written(lose) == []


class OpenDoor:
    is_full = False

    def turned_away(self, path: str, request_id: str) -> None:
        raise AssertionError("nobody is turned away")


@contextmanager
def server() -> Iterator[socket.socket]:
    """A connection to uvicorn, which answers as the request's path says."""

    async def app(scope, receive, send):
        await receive()
        body = scope["path"].encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    with connected(app, OpenDoor(), 0.01) as connection:
        yield connection


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (b"GET /one HTTP/1.1\r\nhost: a\r\n\r\n", b"/one"),
        (b"HEAD /one HTTP/1.1\r\nhost: a\r\n\r\n", b"\r\n\r\n"),
        (b"GET /one HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", b"/one"),
        (
            b"POST /p HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n",
            b"100 Continue",
        ),
        (b"GET /no such HTTP/1.1\r\n\r\n", b"Invalid HTTP request received."),
    ],
)
def test_uvicorn_says_all_that_it_has_to_say(asked, wanted):
    with server() as connection:
        connection.sendall(asked)
        heard = b""
        while wanted not in heard:
            heard += (more := connection.recv(4096))
            assert more, heard
        if b"100 Continue" in heard:
            connection.sendall(b"x")
            assert b"/p" in connection.recv(4096)
