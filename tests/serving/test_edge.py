import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from serving.access import Access
from serving.admin import AdminServer, inside, outside
from serving.api_keys import ApiKeys
from serving.edge import Edge
from serving.problems import Problem
from serving.routes import Action, Page, Route
from serving.schemas import ProblemDocument
from serving.settings import ServingSettings

KEY = "a-key-of-decent-length"
GOOD = b'{"word": "ann"}'
NAME = "household-17"
AS_JSON = {"content-type": "application/json"}


class Question(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    word: str = Field(min_length=1, max_length=8)
    times: int = Field(default=1, ge=1, le=3)


class Answer(BaseModel):
    words: list[str]


async def repeat(question: Question) -> Answer:
    if question.word == "wait":
        await asyncio.sleep(30)
    if question.word == "break":
        raise RuntimeError(f"never show {NAME}")
    if question.word == "refuse":
        raise Problem(404, "no-word", "there is no such word")
    return Answer(words=[question.word] * question.times)


ROUTES: Mapping[str, Route] = {
    "/repeat": Action("/repeat", repeat, Question, Answer, "Repeat a word.", "score"),
    "/alive": Page("/alive", lambda: b"{}", "Alive.", is_open=True),
    "/secret": Page("/secret", lambda: b"{}", "Secret."),
}


def edge(keys: ApiKeys | None = None, **settings: Any) -> Edge:
    return Edge(None, lambda: ROUTES, Access(keys or ApiKeys()), ServingSettings(**settings))


async def ask(app: Edge, method: str, path: str, at: str = "127.0.0.1", **request: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{at}") as client:
        return await client.request(method, path, **request)


def answer(app: Edge, method: str, path: str, at: str = "127.0.0.1", **request: Any) -> httpx.Response:
    return asyncio.run(ask(app, method, path, at, **request))


def post(app: Edge, content: bytes, **headers: str) -> httpx.Response:
    return answer(app, "POST", "/repeat", content=content, headers={**AS_JSON, **headers})


def problem(response: httpx.Response, status: int, name: str) -> ProblemDocument:
    """The problem document of a refusal, once it is sure that it is a sound one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = ProblemDocument.model_validate_json(response.content)
    assert document.status == status
    assert document.type == f"urn:attune:problem:{name}"
    assert document.request_id == response.headers["x-request-id"]
    return document


def test_a_sound_question_is_answered():
    response = post(edge(), b'{"word": "ann", "times": 2}')
    assert response.status_code == 200
    assert response.json() == {"words": ["ann", "ann"]}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"word",
        b'{"word": NaN}',
        b'{"word": "ann", "times": 1e999}',
        b'{"word": "ann", "times": -Infinity}',
        b'{"word": "\xff"}',
        b'{"word": "\\ud800"}',
        b"[" * 100_000,
        b'{"word": "ann",}',
        b"{'word': 'ann'}",
        b"\x00",
    ],
)
def test_what_is_not_json_is_400(body):
    problem(post(edge(), body), 400, "malformed-json")


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b"{}", ["word"]),
        (b"[]", []),
        (b"null", []),
        (b'"household-17"', []),
        (b'{"word": 17}', ["word"]),
        (b'{"word": null}', ["word"]),
        (b'{"word": ""}', ["word"]),
        (b'{"word": "household-17"}', ["word"]),
        (b'{"word": "ann", "times": "2"}', ["times"]),
        (b'{"word": "ann", "times": true}', ["times"]),
        (b'{"word": "ann", "times": 2.0}', ["times"]),
        (b'{"word": "ann", "times": 4}', ["times"]),
        (b'{"word": "ann", "times": 123456789012345678901234567890}', ["times"]),
        (b'{"word": "ann", "household-17": 1}', []),
    ],
)
def test_what_breaks_the_contract_is_422_and_is_not_echoed(body, location):
    response = post(edge(), body)
    document = problem(response, 422, "invalid-request")
    assert document.errors is not None
    assert document.errors[0].location == location
    assert NAME not in response.text


def test_an_unknown_path_is_404():
    problem(answer(edge(), "GET", "/docs.json"), 404, "no-such-path")


@pytest.mark.parametrize(("method", "path"), [("GET", "/repeat"), ("PUT", "/repeat"), ("POST", "/alive")])
def test_a_wrong_method_is_405_and_says_which_are_right(method, path):
    response = answer(edge(), method, path)
    problem(response, 405, "wrong-method")
    assert response.headers["allow"] == ", ".join(ROUTES[path].methods)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/vnd.bentoml+pickle", "multipart/form-data", ""]
)
def test_only_json_is_read(media_type):
    problem(post(edge(), GOOD, **{"content-type": media_type}), 415, "not-json")


def test_a_compressed_body_is_refused():
    problem(post(edge(), GOOD, **{"content-encoding": "gzip"}), 415, "encoded-body")


def test_a_large_body_is_413_before_it_is_read():
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {**AS_JSON, "content-length": str(2**40)}
    response = answer(edge(), "POST", "/repeat", content=never(), headers=headers)
    problem(response, 413, "body-too-large")


def test_a_large_body_of_undeclared_size_is_413():
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 20

    response = answer(edge(body_limit_bytes=100), "POST", "/repeat", content=chunks(), headers=AS_JSON)
    problem(response, 413, "body-too-large")
    assert response.headers["connection"] == "close"


def test_a_slow_body_is_408_and_takes_nobodys_place():
    app = edge(body_deadline_seconds=0.2, concurrency=1)

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"word":'
        await asyncio.sleep(30)

    async def both() -> tuple[httpx.Response, httpx.Response]:
        waiting = asyncio.create_task(ask(app, "POST", "/repeat", content=slow(), headers=AS_JSON))
        await asyncio.sleep(0.05)
        quick = await ask(app, "POST", "/repeat", content=GOOD, headers=AS_JSON)
        return await waiting, quick

    slow_response, quick_response = asyncio.run(both())
    problem(slow_response, 408, "slow-body")
    assert quick_response.status_code == 200


def test_unfinished_bodies_share_one_buffer():
    app = edge(buffer_limit_bytes=10)
    problem(post(app, GOOD), 429, "overloaded")
    assert post(edge(buffer_limit_bytes=100), GOOD).status_code == 200


def test_too_many_at_once_are_told_to_come_again():
    app = edge(concurrency=2, request_deadline_seconds=0.2)

    async def three() -> list[httpx.Response]:
        waits = [ask(app, "POST", "/repeat", content=b'{"word": "wait"}', headers=AS_JSON) for _ in range(3)]
        return await asyncio.gather(*waits)

    responses = asyncio.run(three())
    assert sorted(response.status_code for response in responses) == [429, 503, 503]
    assert all(response.headers["retry-after"] == "1" for response in responses)
    assert post(app, GOOD).status_code == 200


def test_an_answer_that_takes_too_long_is_503():
    problem(post(edge(request_deadline_seconds=0.05), b'{"word": "wait"}'), 503, "deadline")


def test_a_failure_inside_is_500_and_tells_nothing(caplog):
    response = post(edge(), b'{"word": "break"}', **{"x-request-id": "request-0001"})
    document = problem(response, 500, "internal")
    assert document.request_id == "request-0001"
    assert NAME not in response.text
    assert "RuntimeError" not in response.text
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text


def test_a_refusal_of_the_action_is_passed_on():
    problem(post(edge(), b'{"word": "refuse"}'), 404, "no-word")


@pytest.mark.parametrize("given", ["short", "a" * 65, "line\tbreak-in-it", "<script>alert(1)</script>"])
def test_a_request_id_that_is_not_a_plain_word_is_replaced(given):
    response = post(edge(), GOOD, **{"x-request-id": given})
    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 32


def test_a_key_opens_every_route_but_health_needs_none():
    app = edge(ApiKeys([KEY]))
    assert answer(app, "GET", "/alive").status_code == 200
    for method, path in (("GET", "/secret"), ("POST", "/repeat")):
        refused = answer(app, method, path, headers={"x-api-key": "another-key-of-length"})
        problem(refused, 401, "no-key")
        assert refused.headers["www-authenticate"] == "Bearer"
    for header in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        assert answer(app, "GET", "/secret", headers=header).status_code == 200
        assert post(app, GOOD, **header).status_code == 200


def test_without_keys_only_this_machine_is_answered():
    problem(answer(edge(), "GET", "/secret", at="192.0.2.1"), 403, "not-local")
    assert answer(edge(), "GET", "/alive", at="192.0.2.1").status_code == 200
    assert answer(edge(ApiKeys([KEY])), "GET", "/secret", at="192.0.2.1").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "localhost", "[::1]:3000", "127.8.0.1"])
def test_without_keys_a_name_of_this_machine_is_answered(host):
    assert answer(edge(), "GET", "/secret", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["shop.example", "shop.example:3000", "localhost.shop.example", "10.0.0.1", "["]
)
def test_without_keys_another_sites_name_for_this_machine_is_refused(host):
    problem(answer(edge(), "GET", "/secret", headers={"host": host}), 403, "not-local")
    assert answer(edge(ApiKeys([KEY])), "GET", "/alive", headers={"host": host}).status_code == 200


def test_head_is_get_without_the_body():
    response = answer(edge(), "HEAD", "/alive")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "2"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=64) | JSON_VALUES.map(lambda value: json.dumps({"word": value}).encode()))
@settings(max_examples=150, deadline=None)
def test_no_body_makes_the_edge_fail(body):
    assert post(edge(), body).status_code in (200, 400, 422)


def test_who_asks_too_often_is_told_when_to_come_again():
    app = edge(ApiKeys([KEY]), rate_per_second=0.01, burst=2)
    statuses = [post(app, GOOD, **{"x-api-key": KEY}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = post(app, GOOD, **{"x-api-key": KEY})
    problem(refused, 429, "too-often")
    assert int(refused.headers["retry-after"]) > 60


def test_a_key_opens_only_what_it_is_for():
    app = edge(ApiKeys([f"{KEY} recommend"]))
    problem(post(app, GOOD, **{"x-api-key": KEY}), 403, "no-scope")
    assert answer(app, "GET", "/secret", headers={"x-api-key": KEY}).status_code == 200


def test_answers_are_safe_to_show():
    headers = post(edge(), GOOD).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_request_is_a_line_without_what_was_asked(caplog):
    caplog.set_level("INFO", "bentoml.attune")
    answer(edge(log_requests=True), "GET", f"/nothing/{NAME}")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "bentoml.attune"]
    assert '"route": "other", "status": 404' in line
    assert NAME not in line


def test_pages_have_a_port_of_their_own():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = Page("/counts", lambda: b"{}", "Counts.", is_inside=True)
    routes = {**ROUTES, "/counts": page}
    assert "/counts" not in outside(routes)
    pages = inside(routes)
    server = AdminServer(Edge(None, lambda: pages, Access(ApiKeys()), ServingSettings()), "127.0.0.1", port)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", transport=httpx.HTTPTransport(retries=5)
        ) as http:
            assert http.get("/counts").status_code == 200
            assert http.post("/repeat").status_code == 404
    finally:
        server.close()
