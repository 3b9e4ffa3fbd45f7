"""What happened to a model, from every record that tells of it, newest first."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from attune.config import Settings
from attune.governance.events import Event
from attune.governance.stages import Promotion
from monitoring.console.evidence import Evidence, Look

Source = Literal["registry", "retraining", "look"]


class Moment(Settings):
    """One thing that happened.

    Attributes:
        source: A decision of the registry, one of the controller of retraining, or a look for drift.
        kind: What happened, in one or two words.
        text: What is on record about it.
        evidence: The page that shows the record.
    """

    at: datetime
    source: Source
    kind: str
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


def services(changes: Sequence[Promotion]) -> list[Service]:
    """Which version served when, oldest first."""
    ends = [change.promoted_at for change in changes[1:]]
    return [
        Service(version=change.version, since=change.promoted_at, until=until)
        for change, until in zip(changes, [*ends, None][: len(changes)], strict=True)
    ]


def _decided(event: Event) -> Moment:
    by_controller = event.kind == "retraining"
    return Moment(
        at=datetime.fromisoformat(event.at),
        source="retraining" if by_controller else "registry",
        kind=str(event.found["event"]) if by_controller else event.kind,
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
            yield f"{label}: {str(details[key]).rstrip('.')}."


def _looked(model: str, look: Look) -> Moment:
    verdict = look.verdict
    return Moment(
        at=look.at,
        source="look",
        kind=verdict.word,
        version=verdict.subject.version,
        text=f"As of {verdict.subject.now:%Y-%m-%d}: {verdict.sentence}",
        evidence=f"/use-cases/{model}/drift?as_of={verdict.subject.now:%Y-%m-%d}",
    )
