"""Reading a request's body within its limits, before it may cost anybody else anything."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import orjson

from serving.problems import Problem
from serving.settings import ServingSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Mapping[bytes, bytes]

# The rest of a refused body is not read: the connection ends with the answer.
CLOSE = {"connection": "close"}


class ClientGoneError(Exception):
    """The caller hung up; there is nobody to answer."""


class Bodies:
    """Reads bodies whole; counts what all unfinished ones hold together."""

    def __init__(self, settings: ServingSettings) -> None:
        self._settings = settings
        self._held = 0

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """Read one body.

        Raises:
            Problem: It is too large (413), too slow (408), or too many are being read (429).
            ClientGoneError: The caller hung up.
        """
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > self._settings.body_limit_bytes:
            raise self._too_large()
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._settings.body_deadline_seconds):
                await self._collect(chunks, receive)
        except TimeoutError as error:
            seconds = self._settings.body_deadline_seconds
            detail = f"the body did not arrive within {seconds:g} seconds"
            raise Problem(408, "slow-body", detail, headers=CLOSE) from error
        finally:
            self._held -= sum(map(len, chunks))
        return b"".join(chunks)

    async def _collect(self, chunks: list[bytes], receive: Receive) -> None:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > self._settings.body_limit_bytes:
                raise self._too_large()
            if self._held + len(chunk) > self._settings.buffer_limit_bytes:
                raise Problem(
                    429, "overloaded", "too many requests are arriving", {"retry-after": "1", **CLOSE}
                )
            chunks.append(chunk)
            self._held += len(chunk)
            if not message.get("more_body", False):
                return

    def _too_large(self) -> Problem:
        limit = self._settings.body_limit_bytes
        return Problem(413, "body-too-large", f"a body may have {limit} bytes at most", headers=CLOSE)


def json_of(body: bytes) -> Any:
    """Parse strict JSON: no NaN, no number beyond a double, no broken text.

    Raises:
        Problem: It is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(400, "malformed-json", f"the body is not valid JSON at {where}") from error
