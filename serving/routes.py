"""The kinds of routes that the edge knows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

JSON = "application/json"


@dataclass(frozen=True)
class Page:
    """A route that is read (GET), its content ready at once.

    Attributes:
        path: Where it is.
        content: Makes the body; may raise a Problem.
        summary: A line for the OpenAPI description.
        answer: The contract of the body; None where it is not one of ours.
        content_type: The media type of the body.
        is_open: Whether it is read without a key: what an orchestrator asks.
        refusals: The statuses, besides those of every route, that it may answer with, and when.
    """

    path: str
    content: Callable[[], bytes]
    summary: str
    answer: type[BaseModel] | None = None
    content_type: str = JSON
    is_open: bool = False
    refusals: dict[int, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers."""
        return ("GET", "HEAD")


@dataclass(frozen=True)
class Action:
    """A route that is asked (POST) with a JSON document.

    Attributes:
        path: Where it is.
        act: Answers a question that fulfils the contract; may raise a Problem.
        question: The contract of the body.
        answer: The contract of the answer.
        summary: A line for the OpenAPI description.
        refusals: The statuses, besides those of every action, that it may answer with, and when.
    """

    path: str
    act: Callable[[Any], Awaitable[BaseModel]]
    question: type[BaseModel]
    answer: type[BaseModel]
    summary: str
    refusals: dict[int, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers."""
        return ("POST",)


Route = Page | Action
