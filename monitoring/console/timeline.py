"""What happened to a model, from every record that tells of it, newest first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from attune.config import Settings
from attune.governance.events import Event
from attune.governance.stages import CHANGES
from monitoring.console.evidence import Evidence, Look

Kind = Literal[
    "registered",
    "staged",
    "approved",
    "promoted",
    "rolled back",
    "collected",
    "stable",
    "drifted",
    "not computed",
]


class Moment(Settings):
    """One thing that happened.

    Attributes:
        text: What is on record about it.
        evidence: The page that shows the record.
    """

    at: datetime
    kind: Kind
    version: int
    text: str
    evidence: str


class Service(Settings):
    """A version while it was champion; `until` is None where it still is."""

    version: int
    since: datetime
    until: datetime | None


def moments(evidence: Evidence, model: str) -> list[Moment]:
    """Everything on record about a model, newest first."""
    decided = [_decided(event) for event in evidence.registry.log() if event.name == model]
    looked = [_looked(model, look) for look in evidence.looks(model).looks]
    return sorted([*decided, *looked], key=lambda moment: moment.at, reverse=True)


def services(events: list[Moment]) -> list[Service]:
    """Which version served when, oldest first."""
    changes = [moment for moment in reversed(events) if moment.kind in CHANGES]
    ends = [moment.at for moment in changes[1:]]
    return [
        Service(version=moment.version, since=moment.at, until=until)
        for moment, until in zip(changes, [*ends, None], strict=True)
    ]


def within(found: list[Moment], now: datetime, days: int) -> list[Moment]:
    """What happened in the last so many days."""
    return [moment for moment in found if moment.at >= now - timedelta(days=days)]


def _decided(event: Event) -> Moment:
    return Moment(
        at=datetime.fromisoformat(event.at),
        kind=event.kind,
        version=event.version,
        text=" ".join(_said(event)),
        evidence=f"/audit?from={event.sequence}#event-{event.sequence}",
    )


def _said(event: Event) -> Iterator[str]:
    """The words of an event; digests are on its own page."""
    details = event.found
    if stage := details.get("stage"):
        yield f"{stage}:"
    if reason := details.get("reason"):
        yield str(reason)
    for key, label in (("cause", "Cause"), ("author", "Asked for by"), ("by", "By")):
        if details.get(key):
            yield f"{label}: {details[key]}."


def _looked(model: str, look: Look) -> Moment:
    verdict = look.verdict
    return Moment(
        at=look.at,
        kind=verdict.word,
        version=verdict.subject.version,
        text=f"As of {verdict.subject.now:%Y-%m-%d}: {verdict.sentence}",
        evidence=f"/use-cases/{model}/drift?as_of={verdict.subject.now:%Y-%m-%d}",
    )
