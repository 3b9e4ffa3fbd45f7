"""The controller of retraining: it reads a model's state, lets `decide` speak, and records what was said.

State and events are entries of the registry's log, one transaction for each observation: signed, chained, and
the same on SQLite and PostgreSQL. Two observers at once are two transactions one after the other.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from attune.config import Workspace
from attune.governance.database import database_url
from attune.governance.ledger import Ledger
from attune.governance.manifest import check_name
from attune.governance.record import Reader
from attune.registry import HEADS_FILE
from attune.retraining import decide
from attune.retraining.decide import Benefit, Ending, Look, Said, Step
from attune.retraining.rules import RetrainingRules
from attune.retraining.state import State


class Controller:
    """Decides about the retraining of the models of one workspace.

    Every method is one transaction, and returns the step that it led to: the new state, what to do, and what
    went on record.
    """

    def __init__(self, workspace: Workspace, rules: RetrainingRules):
        workspace.root.mkdir(parents=True, exist_ok=True)
        self.rules = rules
        self._ledger = Ledger(database_url(workspace), workspace.keys, workspace.root / HEADS_FILE)

    def standing(self, model: str) -> State:
        """Where a model stands."""
        with self._ledger.reading() as reader:
            return standing_in(reader, model)

    def states(self) -> dict[str, State]:
        """Where every model stands that was ever looked at."""
        with self._ledger.reading() as reader:
            return {model: standing_in(reader, model) for model in reader.noted()}

    def look(self, model: str, seen: Look) -> Step:
        """Take a look at a model into account."""
        return self._step(
            model, seen.at, lambda state, running: decide.look(state, seen, running, self.rules)
        )

    def measured(self, model: str, found: Benefit | None, at: datetime, cause: str) -> Step:
        """Go on after the benefit of a run was measured."""
        return self._step(
            model,
            at,
            lambda state, running: decide.measured(state, found, at, cause, running, self.rules),
        )

    def ask(self, model: str, at: datetime, cause: str) -> Step:
        """Let a person or a schedule ask for a run."""
        return self._step(model, at, lambda state, running: decide.ask(state, at, cause, running, self.rules))

    def staged(
        self, model: str, token: int, stage: Literal["shadow", "canary"], at: datetime, cause: str
    ) -> Step:
        """Record that a run's version is tried beside the champion."""
        return self._step(model, at, lambda state, _: decide.staged(state, token, stage, cause))

    def ended(self, model: str, token: int, ending: Ending, at: datetime, cause: str) -> Step:
        """Take the end of a run; only the holder of the lease is believed."""
        return self._step(
            model, at, lambda state, _: decide.ended(state, token, ending, at, cause, self.rules)
        )

    def rolled_back(self, model: str, at: datetime, cause: str) -> Step:
        """Take into account that a champion was taken back."""
        return self._step(model, at, lambda state, _: decide.rolled_back(state, at, cause, self.rules))

    def pause(self, model: str, at: datetime, why: str) -> Step:
        """Stop the retraining of a model until a person allows it again."""
        return self._step(model, at, lambda state, _: decide.pause(state, why))

    def resume(self, model: str, at: datetime, why: str) -> Step:
        """Allow the retraining of a model again."""
        return self._step(model, at, lambda state, _: decide.resume(state, why))

    def _step(self, model: str, at: datetime, decided: Callable[[State, int], Step]) -> Step:
        check_name(model)
        with self._ledger.writing() as writer:
            step = decided(standing_in(writer, model), _running(writer, model, at))
            for said in step.said:
                writer.note(model, step.state.version, _details(said, at, step.state))
        return step


def standing_in(reader: Reader, model: str) -> State:
    """Where a model stands by the log.

    Raises:
        IntegrityError: The log was changed or cut.
    """
    last = reader.last_note(model)
    return State(model=model) if last is None else State.model_validate(last.found["state"])


def _running(reader: Reader, model: str, at: datetime) -> int:
    """How many other models are being retrained; a lease that has run out does not count."""
    leases = [standing_in(reader, name).run for name in reader.noted() if name != model]
    return sum(lease is not None and at < lease.until for lease in leases)


def _details(said: Said, at: datetime, state: State) -> dict[str, Any]:
    return {
        "event": said.event,
        "cause": said.cause,
        "figures": said.figures,
        "at": at.isoformat(),
        "state": state.model_dump(mode="json"),
    }
