"""Errors of the HTTP API as problem documents (RFC 9457): what was wrong, never what was sent."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from serving.ids import new_id
from serving.schemas import Fault, ProblemDocument

PROBLEM_JSON = "application/problem+json"
PREFIX = "urn:attune:problem:"
MOST_FAULTS = 20
# The request that is being answered, for the documents of a batch too.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
AGAIN = {"retry-after": "5"}


def request_id_of(given: bytes) -> str:
    """The caller's own id of a request where it is a plain word, or a new one."""
    if not given:
        return new_id()
    text = given.decode("latin-1")
    plain = text.replace("-", "")
    return text if 8 <= len(text) <= 64 and plain.isascii() and plain.isalnum() else new_id()


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Ends a request with a problem document.

    Attributes:
        status: The HTTP status.
        name: The last word of the problem's type; clients decide by it.
        detail: A sentence for people, without anything from the request.
        headers: What the status asks for besides, `Retry-After` for example.
        errors: Each fault of the request.
    """

    status: int
    name: str
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    errors: list[Fault] | None = None

    def document(self) -> ProblemDocument:
        """The body of the response."""
        return ProblemDocument(
            type=PREFIX + self.name,
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            request_id=REQUEST_ID.get(),
            errors=self.errors,
        )


def invalid(error: ValidationError) -> Problem:
    """The problem of a request whose JSON is sound but breaks the contract."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    faults = [_fault(problem) for problem in found[:MOST_FAULTS]]
    detail = f"the request breaks its contract in {len(found)} place(s); /openapi.json has it"
    return Problem(422, "invalid-request", detail, errors=faults)


def _fault(problem: Any) -> Fault:
    location = list(problem["loc"])
    if problem["type"] == "extra_forbidden":
        # The unknown name itself came from the caller, and may hold anything.
        return Fault(location=location[:-1], message="an unknown field was given; it is not accepted")
    return Fault(location=location, message=problem["msg"])
