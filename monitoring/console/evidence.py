"""What the workspace knows, gathered for the pages: nothing is shown that is not what was recorded."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pandas as pd
from pydantic import ValidationError

from attune.config import Settings, Workspace
from attune.data.consents import agreed
from attune.data.tables import read_table
from attune.drift.served import ServedReport, newest_report
from attune.drift.verdicts import Verdict
from attune.errors import DataError
from attune.evaluation.comparison import Comparison, metric_title
from attune.evaluation.gate import GateRules
from attune.evaluation.results import Metric
from attune.governance.fairness import FAIRNESS_FILE, FairnessTable
from attune.governance.lamps import Drift, Integrity, Quality, Rights
from attune.governance.manifest import digest_bytes
from attune.governance.outcome import DECISION_FILE, Outcome
from attune.governance.requirements import EVALUATION_FILE
from attune.governance.withdrawals import withdrawn_since
from attune.registry import Registry, Version
from attune.release import PLAN_FILE
from attune.retraining.history import Entry, history, standing
from monitoring.parity import VERDICT_FILE, last_skew

Clock = Callable[[], datetime]
Read = TypeVar("Read", bound=Settings)

CHECKED_FOR = timedelta(seconds=60)


class Look(Settings):
    """One look at a model for drift, and when it was written."""

    at: datetime
    verdict: Verdict


class Looks(Settings):
    """All looks at a model, oldest first by the date as of which they judge."""

    looks: tuple[Look, ...]
    unreadable: tuple[str, ...]


class Purpose(Settings):
    """How many customers were asked about a purpose, and how many agree."""

    purpose: str
    agreed: int
    asked: int


class Evidence:
    """Answers questions about one workspace.

    What costs much, the check of every byte and the reading of all consents, is done at most once a minute.
    """

    def __init__(self, workspace: Workspace, clock: Clock = lambda: datetime.now(UTC)):
        self.workspace = workspace
        self.registry = Registry(workspace)
        self.clock = clock
        self._integrity: Integrity | None = None
        self._consents: tuple[datetime, pd.DataFrame] | None = None
        self._in_turn = threading.Lock()

    def integrity(self) -> Integrity:
        """Whether the log, its heads, the tables, every version and what answers rested on hold."""
        with self._in_turn:
            now = self.clock()
            if self._integrity is None or now - self._integrity.at > CHECKED_FOR:
                names = self.registry.names()
                problems = self.registry.problems()
                self._integrity = Integrity(
                    events=0 if problems else len(self.registry.log()),
                    versions=0 if problems else sum(len(self.registry.versions(name)) for name in names),
                    problems=(*problems, *self._skews(names)),
                    at=now,
                )
            return self._integrity

    def _skews(self, names: Iterable[str]) -> Iterator[str]:
        """What the newest look at each model says of answers that rested on other values than training."""
        for name in names:
            if skew := last_skew(self.workspace.reports / "drift" / name):
                yield f"{name}: {skew}"

    def document(self, version: Version, name: str) -> bytes | None:
        """A file of a version; None where there is none, or it is not what its manifest says."""
        digest = version.manifest.files.get(name)
        path = version.folder / name
        if digest is None or not path.is_file():
            return None
        content = path.read_bytes()
        return content if digest_bytes(content) == digest.sha256 else None

    def read(self, what: type[Read], version: Version, name: str) -> Read | None:
        """A JSON document of a version; None where there is none that is whole and can be read."""
        content = self.document(version, name)
        if content is None:
            return None
        try:
            return what.model_validate_json(content)
        except ValidationError:
            return None

    def outcome(self, version: Version) -> Outcome | None:
        """What the gate decided about a version."""
        return self.read(Outcome, version, DECISION_FILE)

    def fairness(self, version: Version) -> FairnessTable | None:
        """How well a version serves each group."""
        return self.read(FairnessTable, version, FAIRNESS_FILE)

    def measured(self, version: Version) -> Comparison | None:
        """What was measured when a version was made."""
        return self.read(Comparison, version, EVALUATION_FILE)

    def served(self, champion: Version) -> ServedReport | None:
        """What the answers of a champion were like when somebody last looked."""
        return newest_report(self.workspace.reports, champion.name, champion.version)

    def quality(self, champion: Version) -> Quality | None:
        """The newest measurement of a champion: its own, or the one beside a later challenger."""
        own, gate = self.measured(champion), self._gate(champion)
        if own is None or champion.manifest.algorithm not in own.candidates:
            return None
        first = own.measured(champion.manifest.algorithm)
        newest, rows, at = first, own.test.rows, champion.manifest.created_at
        for later in self.registry.versions(champion.name):
            found = self.measured(later) if later.version > champion.version else None
            if found and found.champion and found.champion.version == champion.version:
                newest, rows = found.champion.evaluation.metrics[found.metric], found.test.rows
                at = later.manifest.created_at
        return Quality(
            metric=metric_title(own.metric),
            value=newest.value,
            low=newest.low,
            high=newest.high,
            rows=rows,
            min_rows=gate.min_rows if gate else 1,
            floor=_floor(first, gate),
            at=at,
        )

    def _gate(self, version: Version) -> GateRules | None:
        """The rules under which a version was made: all of its plan that is needed here."""
        content = self.document(version, PLAN_FILE)
        try:
            return GateRules.model_validate(json.loads(content)["gate"]) if content else None
        except (ValueError, KeyError, TypeError):
            return None

    def looks(self, model: str) -> Looks:
        """Every look at a model that is kept."""
        looks, unreadable, recorded = [], [], self.history(model)
        for file in sorted((self.workspace.reports / "drift" / model).glob(f"*/{VERDICT_FILE}")):
            try:
                verdict = Verdict.load(file)
            except DataError:
                unreadable.append(file.parent.name)
                continue
            looks.append(Look(at=_recorded(verdict, recorded) or _written(file), verdict=verdict))
        looks.sort(key=lambda look: (look.verdict.subject.now, look.at))
        return Looks(looks=tuple(looks), unreadable=tuple(unreadable))

    def history(self, model: str) -> list[Entry]:
        """What the controller of retraining saw and did, oldest first."""
        return history(self.workspace, model)

    def drift(self, model: str) -> Drift | None:
        """What the newest look at a model found."""
        looks = self.looks(model).looks
        if not looks:
            return None
        newest = looks[-1]
        verdict = newest.verdict
        return Drift(
            version=verdict.subject.version,
            moved=None if verdict.word == "not computed" else len(verdict.drifted),
            watched=len(verdict.features),
            rows=verdict.current.rows,
            at=newest.at,
            paused=standing(self.workspace, model).paused,
        )

    def consents(self) -> tuple[datetime, pd.DataFrame] | None:
        """The consents as they were read within the last minute; None where there are none to be read."""
        with self._in_turn:
            now = self.clock()
            if self._consents is None or now - self._consents[0] > CHECKED_FOR:
                try:
                    self._consents = now, read_table(self.workspace.tables, "consents")
                except DataError:
                    self._consents = None
            return self._consents

    def purposes(self) -> list[Purpose]:
        """How many were asked and how many agree, by purpose; nothing where there are no consents."""
        found = self.consents()
        if found is None:
            return []
        asked = found[1].groupby("purpose")["customer_id"].nunique()
        return [
            Purpose(purpose=str(purpose), agreed=len(agreed(found[1], str(purpose))), asked=int(count))
            for purpose, count in asked.items()
        ]

    def rights(self, champion: Version) -> Rights | None:
        """What people have said about the purpose of a champion, and since it learnt."""
        found = self.consents()
        if found is None:
            return None
        purpose = champion.manifest.purpose
        counts = {each.purpose: each for each in self.purposes()}.get(purpose)
        moments = withdrawn_since(found[1], purpose, champion.manifest.now) if counts else []
        return Rights(
            purpose=purpose,
            agreed=counts.agreed if counts else 0,
            asked=counts.asked if counts else 0,
            withdrawn=len(moments),
            first=moments[0] if moments else None,
            at=found[0],
        )


def _floor(first: Metric, gate: GateRules | None) -> float | None:
    """What it may lose is what the gate lets any slice of customers lose."""
    if gate is None or first.value is None:
        return None
    return first.value - gate.max_slice_loss


def _recorded(verdict: Verdict, entries: list[Entry]) -> datetime | None:
    """When the controller took a verdict into account: the log is signed, the time of a file is not."""
    times = [entry.recorded for entry in entries if verdict.sentence in entry.cause]
    return datetime.fromisoformat(times[0]) if times else None


def _written(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)
