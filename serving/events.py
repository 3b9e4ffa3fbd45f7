"""Interactions as they happen: in the log and online before the answer, or in a stream that others read.

Which it is, the environment says. Without `ATTUNE_STREAM` this server pushes: when the answer arrives, the
interactions are on the disk and count in the next answer. With it, they go to the Redis stream that
`attune features consume` reads: a server that has no right to write tables needs nothing else.
"""

import logging
import os
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.adapters.redis_connection import RedisAddress, RedisConnection
from attune.adapters.redis_stream import FIELD
from attune.config import Workspace
from attune.errors import DataError, FeatureError
from attune.features.row_store import FUTURE
from serving import metrics
from serving.problems import AGAIN, Problem
from serving.schemas import Event, EventsAnswer, EventsRequest, RefusedEvent
from serving.settings import ServingSettings

if TYPE_CHECKING:  # engines come with it, which a server needs with its first event alone
    from attune.features.push import Pusher

log = logging.getLogger("bentoml.attune")

STREAM_VARIABLE = "ATTUNE_STREAM"
STREAM = "interactions"
WRITE_SECONDS = 10.0
AHEAD = "event_timestamp: lies more than five minutes ahead"


class Events(Protocol):
    """Takes interactions; for one thread."""

    def take(self, question: EventsRequest, now: datetime) -> EventsAnswer:
        """Take events for good.

        Raises:
            Problem: They cannot be kept now (503); sent again later they count once.
        """


def open_events(workspace: Workspace, key: bytes, settings: ServingSettings) -> Events:
    """What takes the events of a workspace, by configuration; nothing is opened before the first.

    Raises:
        ConfigError: The variable names no Redis.
    """
    url = os.environ.get(STREAM_VARIABLE, "")
    return StreamedEvents(RedisAddress(url)) if url else PushedEvents(workspace, key, settings)


class PushedEvents:
    """Pushes interactions to the log and the online store of this workspace."""

    def __init__(self, workspace: Workspace, key: bytes, settings: ServingSettings) -> None:
        self._workspace = workspace
        self._key = key
        self._settings = settings
        self._pusher: Pusher | None = None

    def take(self, question: EventsRequest, now: datetime) -> EventsAnswer:
        """Push events; see `Events`."""
        from attune.features.push_lines import push_lines

        lines = {place: (_line(event), now) for place, event in enumerate(question.events)}
        try:
            report, refused = push_lines(self._open(), lines, self._key, now)
        except (DataError, FeatureError, OSError) as error:
            metrics.EVENTS.labels("failed").inc(len(lines))
            log.error("events cannot be kept: %s", error)
            detail = "the events cannot be kept now; send the same again, they count once"
            raise Problem(503, "events-not-kept", detail, AGAIN) from error
        return _answer(report.accepted, report.duplicate, refused)

    def _open(self) -> "Pusher":
        from attune.features.push import Pusher

        if self._pusher is None:
            store = open_rows(self._workspace.feast / ONLINE_FILE, read_seconds=WRITE_SECONDS)
            self._pusher = Pusher(self._workspace.tables, store, self._settings.features)
        return self._pusher


class StreamedEvents:
    """Adds interactions to a Redis stream, all of a request or none."""

    def __init__(self, address: RedisAddress) -> None:
        self._redis = RedisConnection(address, WRITE_SECONDS)

    def take(self, question: EventsRequest, now: datetime) -> EventsAnswer:
        """Add events to the stream; see `Events`."""
        refused = {
            place: AHEAD
            for place, event in enumerate(question.events)
            if event.event_timestamp > now + FUTURE
        }
        kept = [event for place, event in enumerate(question.events) if place not in refused]
        entries = [("XADD", STREAM, "*", FIELD, _line(event)) for event in kept]
        try:
            if entries:
                self._redis.call_all([("MULTI",), *entries, ("EXEC",)])
        except FeatureError as error:
            metrics.EVENTS.labels("failed").inc(len(kept))
            detail = "the stream of events does not answer; send the same again, they count once"
            raise Problem(503, "events-not-kept", detail, AGAIN) from error
        return _answer(len(kept), 0, refused)


def _line(event: Event) -> bytes:
    return event.model_dump_json().encode()


def _answer(accepted: int, known: int, refused: dict[int, str]) -> EventsAnswer:
    metrics.EVENTS.labels("accepted").inc(accepted)
    metrics.EVENTS.labels("known").inc(known)
    metrics.EVENTS.labels("refused").inc(len(refused))
    places = [RefusedEvent(place=place, reason=reason) for place, reason in sorted(refused.items())]
    return EventsAnswer(accepted=accepted, known=known, refused=places)
