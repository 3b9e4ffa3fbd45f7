"""What can be asked of the registry of record, and what can be written to it, inside one transaction.

What happened is in the log of events; the other tables are what it amounts to, for those who ask often.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from attune.errors import IntegrityError, RegistryError
from attune.governance.database import APPROVALS, EVENTS, STAGES, VERSIONS
from attune.governance.events import Event, Kind
from attune.governance.heads import Heads
from attune.governance.manifest import Manifest, digest_bytes
from attune.governance.stages import AT_WORK, CHANGES, Promotion, Stage, check_move


class Reader:
    """What can be asked inside one transaction; what is answered from the log has been checked."""

    def __init__(self, connection: sql.Connection, keys: Path, heads: Heads):
        self._connection = connection
        self._keys = keys
        self._heads = heads

    def names(self) -> list[str]:
        """Every model that has a version.

        Raises:
            IntegrityError: The log ends before its last signed head, as that of a lost database does.
        """
        self._check_end()
        query = sql.select(VERSIONS.c.name).distinct().order_by("name")
        return [str(name) for (name,) in self._connection.execute(query)]

    def manifests(self, name: str) -> dict[int, bytes]:
        """The manifest of each version of a model as it was signed, oldest first."""
        query = sql.select(VERSIONS.c.version, VERSIONS.c.manifest).where(VERSIONS.c.name == name)
        rows = self._connection.execute(query.order_by(VERSIONS.c.version))
        return {row.version: bytes(row.manifest) for row in rows}

    def registered(self, name: str, version: int) -> Event | None:
        """The event by which a version came to be, checked.

        Raises:
            IntegrityError: It was changed.
        """
        rows = EVENTS.c.name == name, EVENTS.c.version == version, EVENTS.c.kind == "registered"
        event = self._last(sql.select(EVENTS).where(*rows))
        if event is not None:
            event.check(self._keys)
        return event

    def version_of(self, name: str, run_key: str) -> int | None:
        """The version that a run made, if it made one."""
        rows = VERSIONS.c.name == name, VERSIONS.c.run_key == run_key
        return self._connection.scalar(sql.select(VERSIONS.c.version).where(*rows))

    def stages(self, name: str) -> dict[int, Stage]:
        """Where each version of a model stands."""
        query = sql.select(STAGES.c.version, STAGES.c.stage).where(STAGES.c.name == name)
        return {row.version: row.stage for row in self._connection.execute(query)}

    def approvals(self, name: str, version: int) -> dict[str, bytes]:
        """The approvals of a version by their digest, as they were signed."""
        rows = APPROVALS.c.name == name, APPROVALS.c.version == version
        query = sql.select(APPROVALS.c.digest, APPROVALS.c.document).where(*rows).order_by("digest")
        return {row.digest: bytes(row.document) for row in self._connection.execute(query)}

    def events(self, name: str | None = None) -> list[Event]:
        """The log, or what it says of one model, oldest first, unchecked."""
        query = sql.select(EVENTS).order_by(EVENTS.c.sequence)
        rows = self._connection.execute(query if name is None else query.where(EVENTS.c.name == name))
        return [Event.read(dict(row._mapping)) for row in rows]

    def promotions(self, name: str) -> list[Promotion]:
        """Every change of a model's champion, oldest first.

        Raises:
            IntegrityError: The log was changed, or ends before its last signed head.
        """
        self._check_end()
        changes = [event for event in self.events(name) if event.kind in CHANGES]
        for event in changes:
            event.check(self._keys)
        return [Promotion.read(event) for event in changes]

    def last_promotion(self, name: str) -> Promotion | None:
        """The last change of a model's champion.

        Raises:
            IntegrityError: It was changed, or the log ends before its last signed head.
        """
        self._check_end()
        rows = EVENTS.c.name == name, EVENTS.c.kind.in_(CHANGES)
        event = self._last(sql.select(EVENTS).where(*rows))
        if event is None:
            return None
        event.check(self._keys)
        return Promotion.read(event)

    def last_note(self, name: str) -> Event | None:
        """The last thing that the controller of retraining recorded about a model, checked.

        Raises:
            IntegrityError: It was changed, or the log ends before its last signed head.
        """
        self._check_end()
        event = self._last(sql.select(EVENTS).where(EVENTS.c.name == name, EVENTS.c.kind == "retraining"))
        if event is not None:
            event.check(self._keys)
        return event

    def noted(self) -> list[str]:
        """Every model about which the controller of retraining recorded something."""
        query = sql.select(EVENTS.c.name).distinct().where(EVENTS.c.kind == "retraining").order_by("name")
        return [str(name) for (name,) in self._connection.execute(query)]

    def end(self) -> Event | None:
        """The last event of the log, checked against the last signed head.

        Raises:
            IntegrityError: The log was changed, or ends before that head.
        """
        self._check_end()
        last = self._last(sql.select(EVENTS))
        if last is not None:
            last.check(self._keys)
        return last

    def _last(self, query: sql.Select[Any]) -> Event | None:
        row = self._connection.execute(query.order_by(EVENTS.c.sequence.desc()).limit(1)).first()
        return Event.read(dict(row._mapping)) if row else None

    def _check_end(self) -> None:
        head = self._heads.last()
        first = self._connection.scalar(sql.select(sql.func.min(EVENTS.c.sequence)))
        if head is None:
            if first is not None:
                raise IntegrityError(
                    "the registry's log has events, but its signed heads are gone; restore them"
                )
            return
        if head.sequence == 0:
            return
        query = sql.select(EVENTS.c.hash).where(EVENTS.c.sequence == head.sequence)
        found = self._connection.scalar(query)
        if found != head.hash:
            said = "is missing" if found is None else "is another one"
            raise IntegrityError(
                f"event {head.sequence} of the registry's log {said}, though a signed head names it: the "
                "log was cut or replaced by an older one; restore the database"
            )


class Writer(Reader):
    """What can be done inside one transaction, alone among writers."""

    last: Event | None = None

    def add(self, manifest: Manifest) -> None:
        """Record a version, and with it that its number is taken."""
        content = manifest.to_bytes()
        name, version = manifest.name, manifest.version
        place = {"name": name, "version": version}
        self._insert(VERSIONS, place | {"run_key": manifest.run_key, "manifest": content})
        self._insert(STAGES, place | {"stage": "candidate"})
        self._append(
            "registered", name, version, {"manifest": digest_bytes(content), "author": manifest.author}
        )

    def last_version(self, name: str) -> int:
        """The highest version number given so far, 0 if none was."""
        highest = sql.select(sql.func.max(VERSIONS.c.version)).where(VERSIONS.c.name == name)
        return self._connection.scalar(highest) or 0

    def approve(self, name: str, version: int, digest: str, document: bytes, approver: str) -> None:
        """Record a signed approval; the same one twice is one."""
        if digest in self.approvals(name, version):
            return
        values = {"name": name, "version": version, "digest": digest, "document": document}
        self._insert(APPROVALS, values)
        self._append("approved", name, version, {"approval": digest, "by": approver})

    def move(self, name: str, version: int, stage: Stage, reason: str, cause: str) -> None:
        """Let a version go to another stage than the champion's.

        Raises:
            RegistryError: It cannot go there from where it is.
        """
        check_move(name, version, self.stages(name)[version], stage)
        self._set_stage(name, version, stage)
        self._append("staged", name, version, {"stage": stage, "reason": reason, "cause": cause})

    def collect(self, name: str, version: int, reason: str) -> None:
        """Record that a version's content was given up; its record stays.

        Raises:
            RegistryError: It has come to serve meanwhile.
        """
        if (stage := self.stages(name)[version]) in AT_WORK:
            raise RegistryError(f"version {version} of {name} is the {stage} by now; it stays")
        self._set_stage(name, version, "retired")
        self._append("collected", name, version, {"reason": reason})

    def note(self, name: str, version: int, details: Mapping[str, Any]) -> None:
        """Record what the controller of retraining saw or decided."""
        self._append("retraining", name, version, details)

    def change_champion(self, change: Mapping[str, Any], kind: Kind, name: str, version: int) -> None:
        """Record a change of champion; the table lets nobody be the second one."""
        if change["previous"] is not None:
            self._set_stage(name, change["previous"], "retired")
        self._set_stage(name, version, "champion")
        self._append(kind, name, version, change)

    def _set_stage(self, name: str, version: int, stage: Stage) -> None:
        row = STAGES.c.name == name, STAGES.c.version == version
        self._connection.execute(sql.update(STAGES).where(*row).values(stage=stage))

    def _append(self, kind: Kind, name: str, version: int, details: Mapping[str, Any]) -> None:
        last = self.end()
        self._heads.begin()
        self.last = Event.signed(self._keys, last, kind, name, version, details)
        self._insert(EVENTS, self.last.model_dump())

    def _insert(self, table: sql.Table, values: Mapping[str, Any]) -> None:
        self._connection.execute(sql.insert(table).values(values))
