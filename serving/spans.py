"""Traces as OpenTelemetry's spans."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from serving.traces import PARTS, Said

SERVICE = "attune-serving"


class Spans:
    """Makes spans; whether of a request, its trace id decides: a caller can lower the share, not raise it."""

    def __init__(self, share: float, exporter: SpanExporter) -> None:
        """Start the thread that sends spans.

        Args:
            share: Of the requests, within (0, 1].
            exporter: Takes the spans.
        """
        by_id = TraceIdRatioBased(share)
        self._provider = TracerProvider(
            sampler=ParentBased(by_id, remote_parent_sampled=by_id),
            resource=Resource.create({"service.name": SERVICE}),
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = self._provider.get_tracer("attune.serving")
        # The message of an exception may hold what a caller sent: it is not written into a span.
        self._span = partial(
            tracer.start_as_current_span, record_exception=False, set_status_on_exception=False
        )
        self._callers = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, headers: Mapping[bytes, bytes]) -> Iterator[Said]:
        """The span of one request, below the caller's own where its `traceparent` names one."""
        carrier = {"traceparent": headers.get(b"traceparent", b"").decode("latin-1")}
        above = self._callers.extract(carrier)
        with self._span("request", above, SpanKind.SERVER) as span:
            token = PARTS.set(self._span if span.is_recording() else None)
            try:
                yield partial(_describe, span)
            finally:
                PARTS.reset(token)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def _describe(span: Span, method: str, route: str, status: int) -> None:
    """Say what a request was: its route and never its path, for a path may hold anything."""
    span.update_name(f"{method} {route}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
