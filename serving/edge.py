"""The outermost layer of the server: who may ask, how much, and how every answer and error looks."""

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from serving import metrics
from serving.api_keys import ApiKeys, is_loopback
from serving.bodies import Bodies, ClientGoneError, Headers, Receive, Scope, Send, json_of
from serving.problems import PROBLEM_JSON, Problem, invalid
from serving.routes import JSON, Action, Page, Route
from serving.settings import ServingSettings

log = logging.getLogger("bentoml.attune")

SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True)
class Reply:
    """What goes back to the caller."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Edge:
    """An ASGI application that answers by its own routes and gives nothing but the lifespan to BentoML's."""

    def __init__(
        self,
        inner: Any,
        routes: Callable[[], Mapping[str, Route]],
        keys: ApiKeys,
        settings: ServingSettings,
    ) -> None:
        """Wrap an application.

        Args:
            inner: BentoML's application: it starts and ends the service.
            routes: Path -> route, asked once the service has started.
            keys: Who may call.
            settings: Limits and deadlines.
        """
        self._inner = inner
        self._routes = routes
        self._keys = keys
        self._settings = settings
        self._bodies = Bodies(settings)
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers: Headers = dict(scope["headers"])
        request_id = _request_id(headers)
        route = self._routes().get(scope["path"])
        try:
            reply = await self._reply(route, scope, headers, receive)
        except ClientGoneError:
            return
        except Problem as problem:
            reply = _refusal(problem, request_id)
        except Exception as error:  # noqa: BLE001 - nothing that breaks inside may reach the caller
            _log_failure(error, request_id)
            failure = Problem(500, "internal", "the server failed; its log has this request_id")
            reply = _refusal(failure, request_id)
        name = route.path if route else metrics.OTHER_ROUTE
        metrics.REQUESTS.labels(name, str(reply.status)).inc()
        metrics.SECONDS.labels(name).observe(time.perf_counter() - started)
        await _send(send, reply, request_id, with_body=scope["method"] != "HEAD")

    async def _reply(self, route: Route | None, scope: Scope, headers: Headers, receive: Receive) -> Reply:
        if route is None:
            raise Problem(
                404, "no-such-path", "there is nothing at this path; /openapi.json lists what there is"
            )
        if scope["method"] not in route.methods:
            allowed = ", ".join(route.methods)
            detail = f"this path answers {allowed}"
            raise Problem(405, "wrong-method", detail, {"allow": allowed})
        if not (isinstance(route, Page) and route.is_open):
            self._admit(scope, headers)
        if isinstance(route, Page):
            return Reply(200, route.content(), route.content_type)
        _require_json(headers)
        body = await self._bodies.read(headers, receive)
        return await self._act(route, body)

    def _admit(self, scope: Scope, headers: Headers) -> None:
        if self._keys:
            if not self._keys.open_for(headers):
                detail = "this server asks for a key, as X-API-Key or as a bearer token"
                raise Problem(401, "no-key", detail, {"www-authenticate": "Bearer"})
        elif not (is_loopback((scope.get("server") or ("",))[0]) and _asks_for_this_machine(headers)):
            detail = "without keys this server answers callers on its own machine alone"
            raise Problem(403, "not-local", detail)

    async def _act(self, route: Action, body: bytes) -> Reply:
        if self._answering >= self._settings.concurrency:
            detail = "the server is answering as many requests as it can"
            raise Problem(429, "overloaded", detail, {"retry-after": "1"})
        self._answering += 1
        metrics.IN_FLIGHT.inc()
        try:
            question = _question(route, body)
            async with asyncio.timeout(self._settings.request_deadline_seconds):
                answer = await route.act(question)
        except TimeoutError as error:
            detail = f"no answer within {self._settings.request_deadline_seconds:g} seconds"
            raise Problem(503, "deadline", detail, {"retry-after": "1"}) from error
        finally:
            self._answering -= 1
            metrics.IN_FLIGHT.dec()
        return Reply(200, answer.model_dump_json().encode())


def _asks_for_this_machine(headers: Headers) -> bool:
    """A page of another site, whose name was pointed at this machine, still sends that name as the host."""
    try:
        host = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname
    except ValueError:
        return False
    return host is None or host == "localhost" or is_loopback(host)


def _question(route: Action, body: bytes) -> BaseModel:
    document = json_of(body)
    try:
        return route.question.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error


def _require_json(headers: Headers) -> None:
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise Problem(415, "not-json", "the content type must be application/json")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(415, "encoded-body", "the body must not be compressed", {"accept-encoding": "identity"})


def _request_id(headers: Headers) -> str:
    """The caller's own id of the request where it is a plain word, or a new one."""
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    plain = given.replace("-", "")
    if 8 <= len(given) <= 64 and plain.isascii() and plain.isalnum():
        return given
    return uuid.uuid4().hex


def _refusal(problem: Problem, request_id: str) -> Reply:
    body = problem.document(request_id)
    return Reply(problem.status, body, PROBLEM_JSON, problem.headers)


def _log_failure(error: Exception, request_id: str) -> None:
    # The message of an exception may hold what a caller sent; where it was raised does not.
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request %s failed with %s\n%s", request_id, type(error).__name__, frames)


async def _send(send: Send, reply: Reply, request_id: str, *, with_body: bool) -> None:
    headers = {
        "content-type": reply.content_type,
        "content-length": str(len(reply.body)),
        "x-request-id": request_id,
        **SAFE,
        **reply.headers,
    }
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": reply.body if with_body else b""})
