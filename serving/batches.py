"""Several questions in one request: each is answered as if it came alone, and one refusal is no other's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from serving.problems import Problem
from serving.schemas import ProblemDocument

QuestionT = TypeVar("QuestionT", bound=BaseModel)
AnswerT = TypeVar("AnswerT", bound=BaseModel)


async def answered(
    questions: Sequence[QuestionT], act: Callable[[QuestionT], Awaitable[AnswerT]]
) -> list[AnswerT | ProblemDocument]:
    """Answer questions; others' requests come in between.

    Args:
        questions: N of them.
        act: Answers one; may raise a Problem.

    Returns:
        N answers or problems, in the order asked.
    """

    async def one(question: QuestionT) -> AnswerT | ProblemDocument:
        try:
            return await act(question)
        except Problem as problem:
            return problem.document()

    return list(await asyncio.gather(*(one(question) for question in questions)))
