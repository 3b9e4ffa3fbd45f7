"""Turning requests away at the door: while the server answers as many as it can, others are not even parsed.

To parse a request, to find its route and its caller costs as much as a small answer. At ten times the load
that would be what the server does. So a whole request that comes over a connection on which nothing is under
way is answered from what it looks like: a path that is known, a length, perhaps an id.
"""

import asyncio
import re
from functools import partial
from typing import Any, Protocol, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from serving.one_write import OneWrite
from serving.problems import request_id_of

START = re.compile(rb"POST (/v1/[a-z/]{1,40}) HTTP/1\.1\r\n")
HEADERS = re.compile(rb"(?:[a-z0-9-]+:[ -~]*\r\n)+", re.IGNORECASE)
LENGTHS = re.compile(rb"\r\ncontent-length:([^\r]*)", re.IGNORECASE)
LENGTH = re.compile(rb" *([0-9]{1,7}) *")
GIVEN_ID = re.compile(rb"\r\nx-request-id:([^\r]*)", re.IGNORECASE)
UNUSUAL = re.compile(
    rb"\r\n(?:transfer-encoding:|expect:|upgrade:|connection:(?! *keep-alive *\r\n))", re.IGNORECASE
)
END = b"\r\n\r\n"
STATUS = b"HTTP/1.1 429 Too Many Requests"

Pairs = list[tuple[bytes, bytes]]


class Porter(Protocol):
    """Knows whether there is a place, and what is said where there is none."""

    @property
    def is_full(self) -> bool:
        """Whether any request may have to be turned away."""

    def turned_away(self, path: str, request_id: str) -> tuple[Pairs, bytes] | None:
        """The headers and the body of a refusal; None where the request is to be read."""


class DoorstepProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which asks first whether a request is to be read at all."""

    def __init__(self, porter: Porter, seconds: float, **given: Any) -> None:
        """Make the protocol of one connection.

        Args:
            porter: Asked about each request that came whole while there is no place.
            seconds: How long a refusal takes: who asks again at once must not take the time of others.
            given: What uvicorn gives its protocol.
        """
        super().__init__(**given)
        self._porter, self._seconds = porter, seconds
        self._is_within = False  # of a request
        self._refusing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection begins; its answers go by one write each."""
        super().connection_made(cast(asyncio.Transport, OneWrite(transport, self.loop)))

    def data_received(self, data: bytes) -> None:
        """Refuse a request, or let it be parsed."""
        if self._is_within or not (refusal := self._refusal(data)):
            super().data_received(data)
        else:
            self._unset_keepalive_if_required()
            self.flow.pause_reading()
            self._refusing = self.loop.call_later(self._seconds, self._refuse, refusal)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_within = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request has come whole."""
        self._is_within = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        if self._refusing:
            self._refusing.cancel()
        super().connection_lost(exc)

    def _refusal(self, data: bytes) -> bytes | None:
        """The answer to a request that is turned away."""
        if not self._porter.is_full:
            return None
        is_busy = self.cycle is not None and not self.cycle.response_complete
        if is_busy or self.flow.write_paused:  # or the caller does not read what was said before
            return None
        path = whole_path(data)
        refusal = self._porter.turned_away(path, _request_id(data)) if path else None
        if refusal is None:
            return None
        headers, body = refusal
        lines = [b": ".join(pair) for pair in (*self.server_state.default_headers, *headers)]
        return b"\r\n".join([STATUS, *lines, b"", body])

    def _refuse(self, refusal: bytes) -> None:
        self._refusing = None
        self.transport.write(refusal)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
        self.flow.resume_reading()


def stand_before(config: Config, porter: Porter, seconds: float) -> None:
    """Let connections that are yet to come be asked at the door; see `DoorstepProtocol`."""
    config.http_protocol_class = partial(DoorstepProtocol, porter, seconds)  # type: ignore[assignment]


def whole_path(data: bytes) -> str | None:
    r"""The path of a request that came whole and as usual; None for anything else.

    >>> whole_path(b"POST /v1/churn HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
    '/v1/churn'
    >>> whole_path(b"POST /v1/churn HTTP/1.1\r\ncontent-length: 3\r\n\r\n{}") is None
    True
    """
    start, end = START.match(data), data.find(END)
    if start is None or end < 0:
        return None
    end += 2
    lengths = LENGTHS.findall(data, 0, end)
    length = LENGTH.fullmatch(lengths[0]) if len(lengths) == 1 else None
    if length is None or len(data) != end + 2 + int(length[1]):
        return None
    # What a parser would not take, or would take otherwise, is for the parser to say.
    is_usual = HEADERS.fullmatch(data, start.end(), end) and not UNUSUAL.search(data, 0, end)
    return start[1].decode() if is_usual else None


def _request_id(data: bytes) -> str:
    given = GIVEN_ID.search(data, 0, data.find(END) + 2)
    return request_id_of(given[1].strip(b" ") if given else b"")
