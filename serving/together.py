"""Answering in one go what has been asked by the time that answering begins.

A busy server finds several questions each time it looks. They share one read of the store, one run of the
model and one write of the log. Nobody waits for others to come: whoever is alone is answered alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
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
            answer_all: See `answers_of`; what is an exception is raised for that question alone.
            most: How many are answered in one go; the first of them waits for the last.
            thread: Where they are answered; None: on the loop.
        """
        self._answers_of: Callable[[Sequence[AskedT]], list[GivenT | Exception]]
        self._answers_of = partial(answers_of, answer_all)
        self._most, self._thread = most, thread
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
            for _, future in (*asked, *self._waiting):
                if not future.done():
                    future.set_exception(RuntimeError("the thread that answers was closed"))

    async def _answer(self, pairs: Sequence[tuple[AskedT, asyncio.Future[GivenT]]]) -> None:
        asked = [each for each, _ in pairs]
        if self._thread:
            loop = asyncio.get_running_loop()
            try:
                given = await loop.run_in_executor(self._thread, self._answers_of, asked)
            except RuntimeError as closed:
                given = [closed] * len(asked)
        else:
            given = self._answers_of(asked)
        for (_, future), found in zip(pairs, given, strict=True):
            if future.done():  # whoever asked is gone
                continue
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)


def answers_of(
    answer_all: Callable[[Sequence[AskedT]], Sequence[GivenT | Exception]], asked: Sequence[AskedT]
) -> list[GivenT | Exception]:
    """Answer questions in one go; where that fails, each alone, so that what fails for one is its own.

    Args:
        answer_all: Answers N questions, in the order asked, or raises; a question may have an exception as
            its answer.
        asked: N questions.

    Returns:
        N answers or exceptions; never one that ends an iteration, which no future takes.
    """
    try:
        found = list(answer_all(asked))
        if len(found) != len(asked):
            raise RuntimeError(f"{len(found)} answers to {len(asked)} questions")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for whoever asked
        if len(asked) > 1:
            return [answers_of(answer_all, [each])[0] for each in asked]
        return [RuntimeError(repr(error)) if isinstance(error, StopIteration) else error]
    return found
