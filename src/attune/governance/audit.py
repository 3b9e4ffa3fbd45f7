"""Whether everything that the registry of record says is true: the log, its heads, and the tables."""

from collections.abc import Iterator
from pathlib import Path

from attune.errors import IntegrityError
from attune.governance.approvals import Approval
from attune.governance.events import BEGINNING, Event, check_chain
from attune.governance.heads import Heads
from attune.governance.manifest import digest_bytes
from attune.governance.record import Reader
from attune.governance.stages import stages


def problems(reader: Reader, heads: Heads, keys: Path) -> Iterator[str]:
    """Everything that does not hold, in words; nothing where all does.

    Args:
        reader: One state of the database.
        heads: The signed heads beside it.
        keys: The folder of the workspace's keys.
    """
    try:
        events = reader.events()
        check_chain(keys, events)
        _check_heads(events, heads, keys)
    except IntegrityError as error:
        yield str(error)
        return
    yield from _tables(reader, events)


def _check_heads(events: list[Event], heads: Heads, keys: Path) -> None:
    signed = heads.all()
    if events and not signed:
        raise IntegrityError("the signed heads of the registry's log are gone; restore them")
    for head in signed:
        head.check(keys)
        if head.sequence > len(events):
            raise IntegrityError(
                f"the registry's log ends with event {len(events)}, but a signed head names event "
                f"{head.sequence}: its tail was cut; restore the database"
            )
        if head.hash != (events[head.sequence - 1].hash if head.sequence else BEGINNING):
            raise IntegrityError(
                f"event {head.sequence} of the registry's log is not the one that a signed head names; "
                "restore the database"
            )


def _tables(reader: Reader, events: list[Event]) -> Iterator[str]:
    said = {(e.name, e.version): e.found["manifest"] for e in events if e.kind == "registered"}
    found = {
        (name, version): digest_bytes(content)
        for name in reader.names()
        for version, content in reader.manifests(name).items()
    }
    for name, version in sorted(said.keys() | found.keys()):
        if said.get((name, version)) != found.get((name, version)):
            yield f"the manifest of version {version} of {name} in the database is not the one in the log"
    standing = stages(events)
    kept = {
        (name, version): stage for name in reader.names() for version, stage in reader.stages(name).items()
    }
    for name, version in sorted(standing.keys() | kept.keys()):
        log, table = standing.get((name, version)), kept.get((name, version))
        if log != table:
            yield f"version {version} of {name} is {log} by the log, but {table} by the table of stages"
    yield from _approvals(reader, events, sorted(found))


def _approvals(reader: Reader, events: list[Event], versions: list[tuple[str, int]]) -> Iterator[str]:
    said = {(e.name, e.version, e.found["approval"]) for e in events if e.kind == "approved"}
    found = {
        (name, version, digest): document
        for name, version in versions
        for digest, document in reader.approvals(name, version).items()
    }
    for name, version, digest in sorted(said ^ found.keys()):
        where = "log" if (name, version, digest) in said else "table"
        yield f"approval {digest[:12]} of version {version} of {name} is only in the {where}"
    for (name, version, digest), document in found.items():
        try:
            whole = Approval.from_bytes(document).digest == digest
        except IntegrityError:
            whole = False
        if not whole:
            yield f"approval {digest[:12]} of version {version} of {name} was changed"
