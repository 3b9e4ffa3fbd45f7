"""Traces of a share of the requests: what each spent on reading, on the model and on the log.

Off unless `trace_share` says otherwise, and then OpenTelemetry is not even imported. BentoML's own
instrumentation lies behind our outermost layer and is not used: it costs a request more than its answer does.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from attune.errors import ConfigError
from serving.settings import ServingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

EXPORTERS = "opentelemetry_traces_exporter"
NOTHING: AbstractContextManager[None] = nullcontext()

# Of the request that is being answered, where it is one of the share: makes the span of a part of it.
PARTS: ContextVar[Callable[[str], AbstractContextManager[Any]] | None] = ContextVar("parts", default=None)

# Told the method, the route and the status of a request.
Said = Callable[[str, str, int], None]


class Traces(Protocol):
    """Makes a span of each request, and sends those of a share away."""

    def request(self, headers: Mapping[bytes, bytes]) -> AbstractContextManager[Said]:
        """The span of one request, as long as a block lasts; the block says what the request was."""

    def close(self) -> None:
        """Send what waits."""


def part(name: str) -> AbstractContextManager[Any]:
    """A span around a part of an answer; nothing at all where the request is not traced."""
    parts = PARTS.get()
    return parts(name) if parts else NOTHING


def is_traced() -> bool:
    """Whether the request that is being answered is one of the share."""
    return PARTS.get() is not None


def open_traces(settings: ServingSettings) -> Traces | None:
    """What the settings say; None where they ask for no traces.

    Raises:
        ConfigError: The exporter is not installed.
    """
    exporter = exporter_of(settings)
    if exporter is None:
        return None
    from serving.spans import Spans

    return Spans(settings.trace_share, exporter())


def exporter_of(settings: ServingSettings) -> "Callable[[], SpanExporter] | None":
    """What makes the exporter that the settings name; None where they ask for no traces.

    Raises:
        ConfigError: It is not installed.
    """
    if not settings.trace_share:
        return None
    name = settings.trace_exporter
    try:
        (found,) = entry_points(group=EXPORTERS, name=name)
        exporter: Callable[[], SpanExporter] = found.load()
    except (ValueError, ImportError) as error:
        raise ConfigError(
            f"no OpenTelemetry exporter {name!r} is installed; install it (otlp comes with "
            "opentelemetry-exporter-otlp-proto-http), set trace_exporter to console, or trace_share to 0"
        ) from error
    return exporter
