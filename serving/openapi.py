"""The OpenAPI 3.1 description, made from the routes and contracts themselves."""

import json
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from attune import __version__
from serving.problems import PROBLEM_JSON
from serving.routes import Action, Lookup, Page, Route
from serving.schemas import ProblemDocument

Document = dict[str, Any]

TEMPLATE = "#/components/schemas/{model}"
SECURITY: list[dict[str, list[str]]] = [{}, {"key": []}, {"bearer": []}]
ALWAYS = {
    401: "No key or token, or one that does not hold.",
    403: "The key or token is not for this, or the caller is on another machine.",
    429: "Too much was asked; see Retry-After.",
    500: "The server failed.",
}
EVERY_LOOKUP = {**ALWAYS, 404: "There is no such thing.", 503: "Time is missing; see Retry-After."}
EVERY_ACTION = {
    **ALWAYS,
    400: "The body is not JSON.",
    408: "The body arrived too slowly.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "The body breaks the contract.",
    503: "The model, its features or time is missing; see Retry-After.",
}


def describe(routes: Iterable[Route]) -> bytes:
    """Write the description of some routes, as JSON."""
    routes = tuple(routes)
    answers = {answer for route in routes if (answer := route.answer)} | {ProblemDocument}
    questions = {route.question for route in routes if isinstance(route, Action)}
    _, definitions = models_json_schema(
        [(model, "serialization") for model in sorted(answers, key=_name)]
        + [(model, "validation") for model in sorted(questions, key=_name)],
        ref_template=TEMPLATE,
    )
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Attune", "version": __version__},
        "paths": {route.path: _path(route) for route in routes},
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }
    return json.dumps(document, sort_keys=True).encode()


def _path(route: Route) -> Document:
    operation: Document = {
        "operationId": re.sub(r"[^a-z0-9]+", "_", route.path.strip("/")).strip("_"),
        "summary": route.summary,
        "security": [{}] if isinstance(route, Page) and route.is_open else SECURITY,
    }
    if isinstance(route, Lookup):
        word = {"type": "string", "pattern": route.pattern}
        operation["parameters"] = [{"name": route.word, "in": "path", "required": True, "schema": word}]
        answer = {"schema": _reference(route.answer)}
        operation["responses"] = {"200": _content("The answer.", "application/json", answer)}
        operation["responses"] |= _refusals(EVERY_LOOKUP | route.refusals)
        return {"get": operation}
    if isinstance(route, Page):
        answer = {"schema": _reference(route.answer)} if route.answer else {}
        operation["responses"] = {"200": _content("The answer.", route.content_type, answer)}
        refusals = route.refusals | ({} if route.is_open else ALWAYS)
        operation["responses"] |= _refusals(refusals)
        return {"get": operation}
    question = {"application/json": {"schema": _reference(route.question)}}
    operation["requestBody"] = {"required": True, "content": question}
    answer = {"schema": _reference(route.answer)}
    operation["responses"] = {"200": _content("The answer.", "application/json", answer)}
    operation["responses"] |= _refusals(EVERY_ACTION | route.refusals)
    return {"post": operation}


def _refusals(refusals: dict[int, str]) -> Document:
    problem = {"schema": _reference(ProblemDocument)}
    return {str(status): _content(when, PROBLEM_JSON, problem) for status, when in sorted(refusals.items())}


def _content(description: str, media_type: str, content: Document) -> Document:
    return {"description": description, "content": {media_type: content}}


def _reference(model: type[BaseModel]) -> Document:
    return {"$ref": TEMPLATE.format(model=model.__name__)}


def _name(model: type[BaseModel]) -> str:
    return model.__name__
