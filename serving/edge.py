"""The outermost layer of the server: who may ask, how much, and how every answer and error looks."""

import asyncio
import json
import logging
import math
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from serving import metrics
from serving.access import HERE, Access, Caller
from serving.api_keys import is_loopback
from serving.bodies import Bodies, ClientGoneError, Headers, Receive, Scope, Send, json_of
from serving.doorstep import Pairs, stand_before
from serving.ending import Ending
from serving.limits import Rates
from serving.problems import PROBLEM_JSON, REQUEST_ID, Problem, invalid, request_id_of
from serving.routes import JSON, Action, Lookup, Page, Route, find
from serving.settings import ServingSettings
from serving.traces import Said, Traces

log = logging.getLogger("bentoml.attune")

SAFE = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
LAST = ((b"connection", b"close"),)
SOON = {"retry-after": "1"}
REFUSAL_SECONDS = 0.02
ANY_ID = b"~"  # stands for each letter of an id: no id and no document has it


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
        access: Access,
        settings: ServingSettings,
        traces: Traces | None = None,
    ) -> None:
        """Wrap an application.

        Args:
            inner: BentoML's application: it starts and ends the service.
            routes: Path -> route, asked once the service has started.
            access: Who may call.
            settings: Limits and deadlines.
            traces: Takes a share of the requests; None: of none.
        """
        self._inner = inner
        self._routes = routes
        self._access = access
        self._settings = settings
        self._traces = traces
        self._bodies = Bodies(settings)
        self._rates = Rates(settings.rate_per_second, settings.burst)
        self._answering = 0
        self._ending = Ending()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            server = self._ending.put_off()
            if server:
                stand_before(server.config, self, REFUSAL_SECONDS)
            await self._inner(scope, receive, send)
            if self._traces:
                self._traces.close()
        elif scope["type"] == "http":
            headers: Headers = dict(scope["headers"])
            if self._traces is None:
                await self._answer(scope, headers, receive, send)
            else:
                with self._traces.request(headers) as said:
                    await self._answer(scope, headers, receive, send, said)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive, send: Send, said: Said | None = None
    ) -> None:
        started = time.perf_counter()
        request_id = request_id_of(headers.get(b"x-request-id", b""))
        REQUEST_ID.set(request_id)
        route, word = find(self._routes(), scope["path"])
        try:
            reply = await self._reply(route, word, scope, headers, receive)
        except ClientGoneError:
            return
        except Problem as problem:
            reply = _refusal(problem)
        except Exception as error:  # noqa: BLE001 - nothing that breaks inside may reach the caller
            _log_failure(error, request_id)
            reply = _refusal(Problem(500, "internal", "the server failed; its log has this request_id"))
        name, seconds = route.path if route else metrics.OTHER_ROUTE, time.perf_counter() - started
        metrics.answers(name, reply.status).inc()
        metrics.seconds(name).observe(seconds)
        if said:
            said(scope["method"], name, reply.status)
        self._ending.last_request = time.monotonic()
        await _send(send, reply, request_id, self._ending.begun, with_body=scope["method"] != "HEAD")
        if self._settings.log_requests:
            _log_request(request_id, name, reply, seconds)

    async def _reply(
        self, route: Route | None, word: str, scope: Scope, headers: Headers, receive: Receive
    ) -> Reply:
        if route is None:
            raise Problem(
                404, "no-such-path", "there is nothing at this path; /openapi.json lists what there is"
            )
        if scope["method"] not in route.methods:
            allowed = ", ".join(route.methods)
            detail = f"this path answers {allowed}"
            raise Problem(405, "wrong-method", detail, {"allow": allowed})
        if not (isinstance(route, Page) and route.is_open):
            self._admit(route, self._caller(scope, headers))
        if isinstance(route, Page):
            return Reply(200, route.content(), route.content_type)
        if isinstance(route, Lookup):
            return await self._in_turn(lambda: route.act(word), self._settings.request_deadline_seconds)
        await self._require_place()  # before anything is read
        _require_json(headers)
        question = _question(route, await self._bodies.read(headers, receive))
        seconds = route.seconds or self._settings.request_deadline_seconds
        at_once = partial(route.at_once, question) if route.at_once else None
        return await self._in_turn(lambda: route.act(question), seconds, at_once)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        if self._access:
            caller = self._access.caller(headers)
            if caller is None:
                detail = "this server asks for a key or a token, as X-API-Key or as a bearer token"
                raise Problem(401, "no-key", detail, {"www-authenticate": "Bearer"})
            return caller
        if is_loopback((scope.get("server") or ("",))[0]) and _asks_for_this_machine(headers):
            return HERE
        raise Problem(403, "not-local", "without keys this server answers callers on its own machine alone")

    def _admit(self, route: Route, caller: Caller) -> None:
        if route.scope and not caller.may(route.scope):
            challenge = f'Bearer error="insufficient_scope", scope="{route.scope}"'
            detail = f"the key or token is not for this; it wants the scope {route.scope}"
            raise Problem(403, "no-scope", detail, {"www-authenticate": challenge})
        wait = self._rates.wait(caller.name)
        if wait:
            detail = "this key or token asks too often"
            raise Problem(429, "too-often", detail, {"retry-after": str(math.ceil(wait))})

    async def _in_turn(
        self,
        begin: Callable[[], Awaitable[BaseModel]],
        seconds: float,
        at_once: Callable[[], Awaitable[BaseModel] | None] | None = None,
    ) -> Reply:
        """Answer, if there is a place, and in time."""
        await self._require_place()
        self._answering += 1
        metrics.IN_FLIGHT.inc()
        try:
            soon = at_once() if at_once else None
            if soon is not None:
                answer = await soon
            else:
                async with asyncio.timeout(seconds):
                    answer = await begin()
        except TimeoutError as error:
            raise Problem(503, "deadline", f"no answer within {seconds:g} seconds", SOON) from error
        finally:
            self._answering -= 1
            metrics.IN_FLIGHT.dec()
        return _good(answer)

    @property
    def is_full(self) -> bool:
        """Whether as many requests are being answered as may be at once."""
        return self._answering >= self._settings.concurrency

    async def _require_place(self) -> None:
        if self.is_full:
            # Who asks again at once must not take the time of those who are being answered.
            await asyncio.sleep(REFUSAL_SECONDS)
            raise _overloaded()

    def turned_away(self, path: str, request_id: str) -> tuple[Pairs, bytes] | None:
        """What is said to a request that nobody reads; see `serving.doorstep`."""
        if self._ending.begun or not isinstance(self._routes().get(path), Action):
            return None
        reply = _refusal_of_all(len(request_id))
        body = reply.body.replace(ANY_ID * len(request_id), request_id.encode())
        metrics.answers(path, reply.status).inc()
        if self._settings.log_requests:
            _log_request(request_id, path, reply, REFUSAL_SECONDS)
        return _headers(reply, request_id, is_last=False), body


def _question(route: Action, body: bytes) -> BaseModel:
    document = json_of(body)
    try:
        return route.question.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from error


def _good(answer: BaseModel) -> Reply:
    return Reply(200, answer.model_dump_json().encode())


def _overloaded() -> Problem:
    return Problem(429, "overloaded", "the server is answering as many requests as it can", SOON)


@cache
def _refusal_of_all(length: int) -> Reply:
    """The refusal of a request with an id so long: written once, for there are thousands a second."""
    told = copy_context()
    told.run(REQUEST_ID.set, (ANY_ID * length).decode())
    return told.run(_refusal, _overloaded())


def _asks_for_this_machine(headers: Headers) -> bool:
    """A page of another site, whose name was pointed at this machine, still sends that name as the host."""
    try:
        host = urlsplit(f"//{headers.get(b'host', b'').decode('latin-1')}").hostname
    except ValueError:
        return False
    return host is None or host == "localhost" or is_loopback(host)


def _require_json(headers: Headers) -> None:
    media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
    if media_type != b"application/json":
        raise Problem(415, "not-json", "the content type must be application/json")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem(415, "encoded-body", "the body must not be compressed", {"accept-encoding": "identity"})


def _refusal(problem: Problem) -> Reply:
    body = problem.document().model_dump_json(exclude_none=True).encode()
    return Reply(problem.status, body, PROBLEM_JSON, problem.headers)


def _log_failure(error: Exception, request_id: str) -> None:
    # The message of an exception may hold what a caller sent; where it was raised does not.
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request %s failed with %s\n%s", request_id, type(error).__name__, frames)


def _log_request(request_id: str, route: str, reply: Reply, seconds: float) -> None:
    """A line of JSON: the route and never the path, for a path may hold anything."""
    line = {"request_id": request_id, "route": route, "status": reply.status, "ms": round(seconds * 1000, 2)}
    log.info("request %s", json.dumps(line))


def _headers(reply: Reply, request_id: str, is_last: bool) -> Pairs:
    return [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request_id.encode()),
        *SAFE,
        *(LAST if is_last else ()),
        *((name.encode(), value.encode()) for name, value in reply.headers.items()),
    ]


async def _send(send: Send, reply: Reply, request_id: str, is_last: bool, *, with_body: bool) -> None:
    headers = _headers(reply, request_id, is_last)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body if with_body else b""})
