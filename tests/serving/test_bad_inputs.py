"""More than five hundred written wrong requests, and generated ones: each refused in words, none fails."""

import asyncio
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.features.read_plan import OnlineReader
from serving.access import Access
from serving.api_keys import ApiKeys
from serving.application import Application
from serving.edge import Edge
from serving.routes import Page, Route
from serving.routing import routes_of
from serving.settings import ServingSettings
from tests.serving.conftest import NOW, Shop

PATHS = (
    *("recommend", "recommend/similar", "recommend/batch", "churn", "churn/batch"),
    *("response", "events", "feedback"),
)
ALLOWED = frozenset({200, 400, 403, 404, 408, 410, 413, 415, 422, 429})
SLOWEST_SECONDS = 2.0  # of a busy machine; the benchmark says how long a refusal takes

# Wrong by themselves, whatever field they stand in.
VALUES: tuple[str, ...] = (
    *("null", "true", "[]", "{}", '""', "-1", "0.5", "1e999", "NaN", "-Infinity", "1e400", '"\\u0000"'),
    *(
        '"\\ud800"',
        '"../../etc/passwd"',
        '"file:///etc/passwd"',
        '"http://127.0.0.1/"',
        '"; DROP TABLE items"',
    ),
    *('"<script>alert(1)</script>"', '"${jndi:ldap://a}"', '"' + "a" * 5000 + '"', "9" * 400, "[[[[[[]]]]]]"),
    *('{"$ref": "#"}', '"2017-10-08"', '"2017-10-08T00:00:00"', "[1, null]", '[""]', "18446744073709551616"),
)
FIELDS = (
    *("customer_id", "k", "departments", "history", "diversity", "max_price", "exclude_items", "item_id"),
    *("requests", "events", "prediction_id", "kind", "channels", "hours", "at", "explain"),
)
WRITTEN = [f'{{"{field}": {value}}}'.encode() for field, value in product(FIELDS, VALUES)] + [
    *(b"", b"{", b"[", b"nul", b"\xff\xfe{}", b"\x00", b"{}" * 2, b"[" * 10_000, b'{"a":' * 5_000),
    *(b"{'customer_id': 'a'}", b"customer_id=a", b"<a/>", b'{"customer_id": "a",}', b"/* */ {}"),
    *(b'{"customer_id": "a", "customer_id": "b", "x": 1}', b'"customer_id"', b"17", b"[{}]"),
]


@dataclass
class Asked:
    """The whole application behind its edge, in this process."""

    edge: Edge
    routes: Mapping[str, Route]
    loop: asyncio.AbstractEventLoop

    def post(self, path: str, body: bytes) -> httpx.Response:
        return self.loop.run_until_complete(self._post(path, body))

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(self.edge)  # type: ignore[arg-type]
        headers = {"content-type": "application/json"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(f"/v1/{path}", content=body, headers=headers)


@pytest.fixture(scope="module")
def asked(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    mine = shop.elsewhere(tmp_path_factory.mktemp("bad") / "workspace")
    chosen = ServingSettings(now=NOW, refresh_seconds=3600)
    features = OnlineReader(open_rows(mine.workspace.feast / ONLINE_FILE))
    application = Application(mine.workspace, features, chosen)
    routes = routes_of(application, chosen)
    loop = asyncio.new_event_loop()
    yield Asked(Edge(None, lambda: routes, Access(ApiKeys()), chosen), routes, loop)
    application.close()
    loop.close()


def finite(found: Any) -> bool:
    """Whether a document has no number that is none, and no score that is null."""
    if isinstance(found, dict):
        scores = (found.get(name, 0) for name in ("probability", "score", "contribution"))
        return None not in scores and all(map(finite, found.values()))
    if isinstance(found, list):
        return all(map(finite, found))
    return not (isinstance(found, float) and not math.isfinite(found))


def sound(response: httpx.Response) -> None:
    assert response.status_code in ALLOWED | {503}, response.text
    document = response.json()
    if response.status_code == 200:
        assert finite(document)
        return
    assert response.headers["content-type"] == "application/problem+json"
    # The one model that this shop has not is the one thing that is missing.
    assert response.status_code != 503 or document["type"].endswith("no-champion")
    assert "Traceback" not in response.text


def parts(path: str) -> list[bytes]:
    """Each written one is sent to two paths."""
    half = len(PATHS) // 2
    return [body for place, body in enumerate(WRITTEN) if place % half == PATHS.index(path) % half]


def test_there_are_more_than_five_hundred_written_ones():
    assert sum(len(set(parts(path))) for path in PATHS) > 500


@pytest.mark.parametrize("path", PATHS)
def test_written_wrong_requests_are_refused_in_words(asked, path):
    for body in parts(path):
        started = time.monotonic()
        response = asked.post(path, body)
        sound(response)
        assert response.status_code != 200 or path == "recommend", body
        assert time.monotonic() - started < SLOWEST_SECONDS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@given(path=st.sampled_from(PATHS), document=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
def test_generated_requests_are_answered_or_refused_in_words(asked, path, document):
    sound(asked.post(path, json.dumps(document).encode()))


def test_requests_generated_from_our_own_description_are_answered_as_it_says(asked):
    page = asked.routes["/openapi.json"]
    assert isinstance(page, Page)
    description = json.loads(page.content())
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations()]
    posted = [each for each in operations if each.method.upper() == "POST"]
    assert {each.path for each in posted} == {f"/v1/{path}" for path in PATHS}
    for operation in posted:
        as_described(asked, operation, description["paths"][operation.path]["post"]["responses"])


def as_described(asked: Asked, operation: Any, described: dict[str, Any]) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def check(case: Any) -> None:
        response = asked.post(operation.path.removeprefix("/v1/"), json.dumps(case.body).encode())
        sound(response)
        assert str(response.status_code) in described

    check()
