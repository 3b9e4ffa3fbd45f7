"""What the controller of retraining saw and did, for pages and audits: entries of the registry's log."""

from datetime import datetime
from typing import Any

from attune.config import Settings, Workspace
from attune.governance.database import database_url
from attune.governance.ledger import Ledger
from attune.registry import HEADS_FILE
from attune.retraining.controller import standing_in
from attune.retraining.decide import Happening
from attune.retraining.state import Phase, State


class Entry(Settings):
    """One thing that happened.

    Attributes:
        at: By the clock of the observation; a story told after the fact has its own.
        event: What happened, in one or two words.
        version: The champion at the time; 0 where none was looked at yet.
        cause: Why, in words.
        figures: The numbers behind it.
        phase: Where the model stood afterwards.
        recorded: When it was written (ISO 8601, UTC).
        sequence: Its place in the registry's log.
        hash: The entry's hash there.
    """

    at: datetime
    event: Happening
    version: int
    cause: str
    figures: dict[str, Any]
    phase: Phase
    recorded: str
    sequence: int
    hash: str


def history(workspace: Workspace, model: str) -> list[Entry]:
    """Everything that the controller recorded about a model, oldest first; each entry has been checked.

    Raises:
        IntegrityError: An entry was changed.
    """
    with _ledger(workspace).reading() as reader:
        events = [event for event in reader.events(model) if event.kind == "retraining"]
    for event in events:
        event.check(workspace.keys)
    return [
        Entry(
            **{name: event.found[name] for name in ("at", "event", "cause", "figures")},
            version=event.version,
            phase=event.found["state"]["phase"],
            recorded=event.at,
            sequence=event.sequence,
            hash=event.hash,
        )
        for event in events
    ]


def standing(workspace: Workspace, model: str) -> State:
    """Where a model stands.

    Raises:
        IntegrityError: The log was changed or cut.
    """
    with _ledger(workspace).reading() as reader:
        return standing_in(reader, model)


def _ledger(workspace: Workspace) -> Ledger:
    return Ledger(database_url(workspace), workspace.keys, workspace.root / HEADS_FILE)
