"""The pages of single records: a version, its documents, the log, the chain of an answer, the consents."""

from datetime import datetime
from typing import Any, Literal

from attune.config import Settings
from attune.errors import DataError, RegistryError
from attune.evaluation.comparison import Comparison
from attune.governance.approvals import Statement
from attune.governance.checks import Check, State
from attune.governance.datasheet import DATASHEET_FILE
from attune.governance.documents import Document, markdown
from attune.governance.events import Event
from attune.governance.lamps import Integrity
from attune.governance.manifest import Manifest, digest_bytes
from attune.governance.model_card import MODEL_CARD_FILE
from attune.governance.outcome import Outcome
from attune.governance.stages import Stage
from attune.registry import Version
from attune.trace import trace
from monitoring.console.evidence import Evidence, Purpose
from monitoring.console.use_case import FairnessView, fairness_view
from monitoring.console.waiting import approvers

LOG_PAGE = 50

Kind = Literal["card", "datasheet"]
_FILES: dict[Kind, str] = {"card": MODEL_CARD_FILE, "datasheet": DATASHEET_FILE}


class VersionView(Settings):
    """Everything that is on record about a version."""

    model: str
    version: int
    stage: Stage
    whole: bool
    problem: str
    manifest: Manifest
    outcome: Outcome | None
    measured: Comparison | None
    fairness: FairnessView | None
    approvals: tuple[Statement, ...]


class DocumentView(Settings):
    """A page about a version, as it was signed with it."""

    model: str
    version: int
    kind: Kind
    file: str
    digest: str
    document: Document


class DecisionView(Settings):
    """What somebody who decides is shown: the whole model card, and what stands.

    Attributes:
        shown: SHA-256 of the text of the card: an approval binds what was shown.
        champion: What serves now; None for nothing.
        sequence: The last change of champion that this page knows.
    """

    model: str
    version: int
    stage: Stage
    author: str
    card: Document
    shown: str
    outcome: Outcome | None
    approved_by: tuple[str, ...]
    champion: int | None
    sequence: int


class Entry(Settings):
    """One event of the log."""

    sequence: int
    at: datetime
    kind: str
    model: str
    version: int
    details: dict[str, Any]
    previous: str
    hash: str
    signature: str


class LogView(Settings):
    """A page of the log, and whether the whole of it holds."""

    integrity: Integrity
    first: int
    last: int
    total: int
    entries: tuple[Entry, ...]


class Link(Settings):
    """One link of the chain from an answer back to a person's word."""

    check: Check
    state: State


class ChainView(Settings):
    """From an answer back to what it rests on; `problem` says why there is none."""

    prediction_id: str
    links: tuple[Link, ...]
    problem: str


class RightsView(Settings):
    """What people have said, by purpose."""

    purposes: tuple[Purpose, ...]
    models: dict[str, str]


def version_view(evidence: Evidence, version: Version) -> VersionView:
    """Gather the page of a version; its folder is verified now."""
    problem = ""
    try:
        evidence.registry.verify(version)
    except RegistryError as error:
        problem = str(error)
    return VersionView(
        model=version.name,
        version=version.version,
        stage=evidence.registry.stages(version.name)[version.version],
        whole=not problem,
        problem=problem,
        manifest=version.manifest,
        outcome=evidence.outcome(version),
        measured=evidence.measured(version),
        fairness=fairness_view(evidence, version, None),
        approvals=tuple(found.statement for found in evidence.registry.approvals(version)),
    )


def document_view(evidence: Evidence, version: Version, kind: Kind) -> DocumentView | None:
    """The card or the datasheet of a version; None where it is not there or not what was signed."""
    document = evidence.read(Document, version, _FILES[kind])
    if document is None:
        return None
    return DocumentView(
        model=version.name,
        version=version.version,
        kind=kind,
        file=_FILES[kind],
        digest=version.manifest.files[_FILES[kind]].sha256,
        document=document,
    )


def decision_view(evidence: Evidence, version: Version) -> DecisionView:
    """What is shown to somebody who decides about a version.

    Raises:
        RegistryError: The version has no card, or its folder is damaged.
    """
    registry = evidence.registry
    card, promotions = registry.card(version), registry.events(version.name)
    return DecisionView(
        model=version.name,
        version=version.version,
        stage=registry.stages(version.name)[version.version],
        author=version.manifest.author,
        card=card,
        shown=digest_bytes(markdown(card).encode()),
        outcome=evidence.outcome(version),
        approved_by=tuple(approvers(evidence, version)),
        champion=promotions[-1].version if promotions else None,
        sequence=promotions[-1].sequence if promotions else 0,
    )


def log_view(evidence: Evidence, start: int) -> LogView:
    """A page of the log from an event on; the last page where that is 0."""
    events = evidence.registry.log()
    first = min(max(start or len(events) - LOG_PAGE + 1, 1), max(len(events), 1))
    shown = events[first - 1 : first - 1 + LOG_PAGE]
    return LogView(
        integrity=evidence.integrity(),
        first=first,
        last=first + len(shown) - 1,
        total=len(events),
        entries=tuple(_entry(event) for event in reversed(shown)),
    )


def chain_view(evidence: Evidence, prediction_id: str) -> ChainView:
    """Follow an answer back; every digest is computed again."""
    try:
        checks = trace(evidence.registry, evidence.workspace, prediction_id) if prediction_id else []
    except (RegistryError, DataError) as error:
        return ChainView(prediction_id=prediction_id, links=(), problem=str(error))
    links = tuple(Link(check=check, state=check.state) for check in checks)
    return ChainView(prediction_id=prediction_id, links=links, problem="")


def rights_view(evidence: Evidence) -> RightsView:
    """What people have said about each purpose, and which models rest on it."""
    champions = {name: evidence.registry.champion(name) for name in evidence.registry.names()}
    return RightsView(
        purposes=tuple(evidence.purposes()),
        models={name: found.manifest.purpose for name, found in champions.items() if found},
    )


def _entry(event: Event) -> Entry:
    return Entry(
        sequence=event.sequence,
        at=datetime.fromisoformat(event.at),
        kind=event.kind,
        model=event.name,
        version=event.version,
        details=event.found,
        previous=event.previous,
        hash=event.hash,
        signature=event.signature,
    )
