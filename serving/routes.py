"""The kinds of routes that the edge knows, and how one is found."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from serving.scopes import Scope

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
        is_inside: Whether it moves to the admin port where there is one.
        refusals: The statuses, besides those of every route, that it may answer with, and when.
        scope: What a key or token has to be for; None: for anything.
    """

    path: str
    content: Callable[[], bytes]
    summary: str
    answer: type[BaseModel] | None = None
    content_type: str = JSON
    is_open: bool = False
    is_inside: bool = False
    refusals: dict[int, str] = field(default_factory=dict)
    scope: Scope | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers."""
        return ("GET", "HEAD")


@dataclass(frozen=True)
class Lookup:
    """A route that is read (GET) and has one word of its path from the caller.

    Attributes:
        path: Where it is; the word stands in braces, `/v1/predictions/{prediction_id}/explanation`.
        act: Answers for a word; may raise a Problem.
        pattern: What the word has to match; another is a path that there is not.
        answer: The contract of the answer.
        summary: A line for the OpenAPI description.
        scope: What a key or token has to be for.
        refusals: The statuses, besides those of every route, that it may answer with, and when.
    """

    path: str
    act: Callable[[str], Awaitable[BaseModel]]
    pattern: str
    answer: type[BaseModel]
    summary: str
    scope: Scope
    refusals: dict[int, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers."""
        return ("GET",)

    @property
    def word(self) -> str:
        """What the word is called."""
        return self.path.partition("{")[2].partition("}")[0]

    def match(self, path: str) -> str | None:
        """The word in a path, if it is a path of this route."""
        before, _, rest = self.path.partition("{")
        after = rest.partition("}")[2]
        inside = path[len(before) : len(path) - len(after)]
        is_ours = path.startswith(before) and path.endswith(after)
        return inside if is_ours and re.fullmatch(self.pattern, inside) else None


@dataclass(frozen=True)
class Action:
    """A route that is asked (POST) with a JSON document.

    Attributes:
        path: Where it is.
        act: Answers a question that fulfils the contract; may raise a Problem.
        question: The contract of the body.
        answer: The contract of the answer.
        summary: A line for the OpenAPI description.
        scope: What a key or token has to be for.
        at_once: Answers sooner than another thread is woken, or gives None; None where nothing is that quick.
        seconds: How long an answer may take; None for as long as any.
        refusals: The statuses, besides those of every action, that it may answer with, and when.
    """

    path: str
    act: Callable[[Any], Awaitable[BaseModel]]
    question: type[BaseModel]
    answer: type[BaseModel]
    summary: str
    scope: Scope
    at_once: Callable[[Any], Awaitable[BaseModel] | None] | None = None
    seconds: float | None = None
    refusals: dict[int, str] = field(default_factory=dict)

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods it answers."""
        return ("POST",)


Route = Page | Lookup | Action


def find(routes: Mapping[str, Route], path: str) -> tuple[Route | None, str]:
    """The route of a path, and the caller's word in it, if it has one."""
    if route := routes.get(path):
        return (None, "") if isinstance(route, Lookup) else (route, "")
    for route in routes.values():
        if isinstance(route, Lookup) and (word := route.match(path)):
            return route, word
    return None, ""
