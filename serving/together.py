"""Answering in one go what has been asked by the time that answering begins.

A busy server finds several questions each time it looks. They share one read of the store, one run of the
model and one write of the log. Nobody waits for others to come: whoever is alone is answered alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

AskedT = TypeVar("AskedT")
GivenT = TypeVar("GivenT")


class Together(Generic[AskedT, GivenT]):
    """Collects questions while others are answered, or until the loop has run all that is ready."""

    def __init__(
        self,
        answer_all: Callable[[Sequence[AskedT]], Sequence[GivenT | Exception]],
        most: int,
        thread: Executor | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            answer_all: Answers N questions, in the order asked; what it gives as an exception is raised for
                that question alone.
            most: How many are answered in one go; the first of them waits for the last.
            thread: Where they are answered; None: on the loop.
        """
        self._answer_all, self._most, self._thread = answer_all, most, thread
        self._waiting: list[tuple[AskedT, asyncio.Future[GivenT]]] = []
        self._answering: asyncio.Task[None] | None = None

    async def answer(self, asked: AskedT) -> GivenT:
        """Answer one question, and with it those that came beside it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[GivenT] = loop.create_future()
        self._waiting.append((asked, future))
        if self._answering is None:
            self._answering = loop.create_task(self._go())
        return await future

    async def _go(self) -> None:
        asked: list[tuple[AskedT, asyncio.Future[GivenT]]] = []
        try:
            while self._waiting:
                asked = [pair for pair in self._waiting[: self._most] if not pair[1].done()]
                del self._waiting[: self._most]
                if asked:
                    await self._answer(asked)
                await asyncio.sleep(0)  # before the next are answered the loop looks who else has come
        finally:
            self._answering = None
            for _, future in (*asked, *self._waiting):  # left behind only where the thread was closed
                future.cancel()

    async def _answer(self, pairs: Sequence[tuple[AskedT, asyncio.Future[GivenT]]]) -> None:
        asked = [each for each, _ in pairs]
        try:
            if self._thread:
                loop = asyncio.get_running_loop()
                given = await loop.run_in_executor(self._thread, self._answer_all, asked)
            else:
                given = self._answer_all(asked)
        except Exception as error:  # noqa: BLE001 - raised where it was asked: nobody else would hear of it
            given = [error] * len(pairs)
        for (_, future), found in zip(pairs, given, strict=True):
            if future.done():  # whoever asked is gone
                continue
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)
