"""Traces: which requests have spans, what these say, and what they never say."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.errors import ConfigError
from attune.features.read_plan import OnlineReader
from serving.access import Access
from serving.api_keys import ApiKeys
from serving.application import Application
from serving.edge import Edge
from serving.routing import routes_of
from serving.settings import ServingSettings
from serving.spans import Spans
from serving.traces import NOTHING, open_traces, part
from tests.serving.conftest import Shop

CALLERS_TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLERS_SPAN = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def application(shop: Shop, tmp_path_factory) -> Iterator[Application]:
    workspace = shop.elsewhere(tmp_path_factory.mktemp("traced") / "workspace").workspace
    features = OnlineReader(open_rows(workspace.feast / ONLINE_FILE))
    running = Application(workspace, features, shop.settings)
    yield running
    running.close()


@contextmanager
def traced(application: Application, settings: ServingSettings, share: float) -> Iterator[Any]:
    """Ask a traced application; the spans are there when the block has ended."""
    exporter = InMemorySpanExporter()
    spans = Spans(share, exporter)
    edge = Edge(None, lambda: routes_of(application, settings), Access(ApiKeys()), settings, spans)

    async def post(path: str, question: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(path, json=question, headers=headers)

    def ask(path: str, question: dict[str, Any], **headers: str) -> httpx.Response:
        return asyncio.run(post(path, question, headers))

    yield ask, exporter
    spans.close()


def asked(application: Application, shop: Shop, share: float, **headers: str) -> list[ReadableSpan]:
    with traced(application, shop.settings, share) as (ask, exporter):
        answer = ask("/v1/churn", {"customer_id": shop.loyal}, **headers)
        assert answer.status_code == 200
    return list(exporter.get_finished_spans())


def test_a_request_is_a_span_and_its_reading_its_score_and_its_record_are_below_it(application, shop):
    *parts, request = asked(application, shop, share=1)
    assert [each.name for each in parts] == ["read", "score", "log"]
    assert {each.parent.span_id for each in parts} == {request.context.span_id}
    assert request.name == "POST /v1/churn"
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/churn",
        "http.response.status_code": 200,
    }


def test_a_callers_own_trace_goes_on(application, shop):
    header = f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-01"
    *_, request = asked(application, shop, share=1, traceparent=header)
    assert f"{request.context.trace_id:032x}" == CALLERS_TRACE
    assert f"{request.parent.span_id:016x}" == CALLERS_SPAN


@pytest.mark.parametrize(("share", "sampled"), [(1.0, "00"), (1e-12, "01")])
def test_a_caller_can_lower_the_share_and_not_raise_it(application, shop, share, sampled):
    header = f"00-{CALLERS_TRACE}-{CALLERS_SPAN}-{sampled}"
    assert asked(application, shop, share, traceparent=header) == []


def test_nothing_that_was_asked_is_in_a_span(application, shop):
    with traced(application, shop.settings, 1) as (ask, exporter):
        ask("/v1/churn", {"customer_id": "a-stranger"})
        ask("/v1/a-stranger", {})
    spans = exporter.get_finished_spans()
    assert [each.name for each in spans] == ["POST /v1/churn", "POST other"]
    assert "a-stranger" not in json.dumps([each.to_json() for each in spans])


def test_without_a_share_there_is_nothing():
    assert open_traces(ServingSettings()) is None
    assert part("read") is NOTHING


def test_an_exporter_that_is_not_installed_is_named():
    with pytest.raises(ConfigError, match="exporter 'nobody' is installed"):
        open_traces(ServingSettings(trace_share=0.5, trace_exporter="nobody"))


def test_the_exporter_of_the_settings_is_found_by_its_name():
    traces = open_traces(ServingSettings(trace_share=1, trace_exporter="console"))
    assert isinstance(traces, Spans)
    traces.close()
