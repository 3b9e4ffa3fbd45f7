"""Answering in one go what was asked in the same turn of the event loop.

A busy server finds several requests each time it looks at its connections. They share one read of the store,
one run of the model and one write of the log. Nobody waits for others to come.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

AskedT = TypeVar("AskedT")
GivenT = TypeVar("GivenT")


class Together(Generic[AskedT, GivenT]):
    """Collects questions until the loop has run everything that is ready, and answers them all."""

    def __init__(self, answer_all: Callable[[Sequence[AskedT]], Sequence[GivenT | Exception]]) -> None:
        """Nothing is asked yet.

        Args:
            answer_all: Answers N questions, in the order asked; what it gives as an exception is raised for
                that question alone.
        """
        self._answer_all = answer_all
        self._waiting: list[tuple[AskedT, asyncio.Future[GivenT]]] = []

    async def answer(self, asked: AskedT) -> GivenT:
        """Answer one question, and with it all that came beside it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[GivenT] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._go)
        self._waiting.append((asked, future))
        return await future

    def _go(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            given: Sequence[GivenT | Exception] = self._answer_all([asked for asked, _ in waiting])
        except Exception as error:  # noqa: BLE001 - raised where it was asked: nobody else would hear of it
            given = [error] * len(waiting)
        for (_, future), found in zip(waiting, given, strict=True):
            if future.done():  # whoever asked is gone
                continue
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)
