"""Online rows in Redis: a string a row, `project:generation:view:entity`, and a pointer to the generation.

Commands used, for an access list: GET, MGET, MSET, SET, WATCH, UNWATCH, MULTI, EXEC, UNLINK, SCAN, HSET,
HGETALL; no scripts. A multi-key command wants its keys on one server: one Redis, not a Redis Cluster.
"""

from collections.abc import Iterator, Mapping, Sequence
from threading import local
from typing import Any

from attune.adapters.redis_connection import Argument, RedisAddress, RedisConnection, pack_mget
from attune.errors import FeatureError
from attune.features.row_store import WriteReport, newest

READ_SECONDS = 0.05
WRITE_SECONDS = 30.0
# Somebody else writes one of the same keys in the same milliseconds; so often in a row only by a mistake.
ATTEMPTS = 100
SCANNED = 1_000


class RedisRows:
    """The rows of one project in one Redis."""

    def __init__(self, url: str, project: str, read_seconds: float = READ_SECONDS, ahead: int = 0) -> None:
        """Nothing is opened yet.

        Args:
            url: `redis://user:password@host:6379/0`, with `rediss` for TLS.
            project: Stands before every key.
            read_seconds: The deadline of a read.
            ahead: 0 for the published generation, 1 for the draft of the next.
        """
        self._url, self._project, self._ahead = url, project, ahead
        self._address = RedisAddress(url)
        self._seconds = {"read": read_seconds, "write": WRITE_SECONDS}
        self._pointer = f"{project}:generation"
        self._connections = local()
        # The generations last read and last written, 0 for none: where to look first.
        self._seen = self._written = 0

    def get_many(self, views: Sequence[str], entities: Sequence[str]) -> list[list[bytes | None]]:
        """One round trip; another where a new generation was published since the last read."""
        for _ in range(ATTEMPTS):
            seen = self._seen  # another thread may move it meanwhile
            asked = views if seen else []  # the first time only where to look
            beginnings = [self._beginning(seen, view) for view in asked]
            (found,) = self._reads.call_packed(pack_mget(self._pointer, beginnings, entities), 1)
            pointer, *rows = _list(found)
            generation = int(pointer or 0) + self._ahead
            if generation == 0:
                raise FeatureError(
                    f"no online features in Redis at {self._address.name} for project {self._project!r}; "
                    "run the features pipeline first"
                )
            if generation == seen:
                width = len(entities)
                return [rows[place * width : (place + 1) * width] for place in range(len(views))]
            self._seen = generation
        raise FeatureError("the online features change faster than they can be read; what rebuilds them?")

    def put_many(self, view: str, rows: Mapping[str, bytes]) -> WriteReport:
        """Read, compare and write in one transaction, again where somebody else came between."""
        if not rows:
            return WriteReport()
        talk = self._writes.call_all
        for _ in range(ATTEMPTS):
            generation = self._written or self._writable()
            keys = list(self._keys(generation, view, rows))
            _, pointer, found = talk(
                [("WATCH", self._pointer, *keys), ("GET", self._pointer), ("MGET", *keys)]
            )
            current = self._written = int(_text(pointer) or 0) + self._ahead
            if current != generation:
                talk([("UNWATCH",)])
                continue
            accepted, report = newest(_list(found), rows)
            if not accepted:
                talk([("UNWATCH",)])
                return report
            pairs = zip(self._keys(generation, view, accepted), accepted.values(), strict=True)
            stored: tuple[Argument, ...] = ("MSET", *(word for pair in pairs for word in pair))
            if talk([("MULTI",), stored, ("EXEC",)])[-1] is not None:
                return report
        raise FeatureError(f"view {view!r} is written by others without a pause; its rows were not written")

    def delete(self, views: Sequence[str], entity: str) -> int:
        """From this generation and the next."""
        current = self._published()
        keys = [
            next(self._keys(number, view, [entity])) for number in (current, current + 1) for view in views
        ]
        return _count(self._writes.call("UNLINK", *keys)) if keys else 0

    def wipe(self) -> None:
        """Remove all keys of this generation, whoever wrote them."""
        self._remove(self._published() + self._ahead)

    def notes(self) -> dict[str, str]:
        """The hash beside the rows."""
        flat = _list(self._writes.call("HGETALL", self._notes(self._published() + self._ahead)))
        words = [word.decode() for word in flat]
        return dict(zip(words[::2], words[1::2], strict=True))

    def note(self, name: str, text: str) -> None:
        """One field of the hash beside the rows."""
        self._writes.call("HSET", self._notes(self._writable()), name, text)

    def published(self) -> bool:
        """Whether there is a pointer."""
        return self._published() > 0

    def draft(self) -> "RedisRows":
        """The next generation."""
        return RedisRows(self._url, self._project, self._seconds["read"], ahead=1)

    def publish(self) -> None:
        """Move the pointer, then remove what it pointed to."""
        old = self._published()
        self._writes.call("SET", self._pointer, old + 1)
        self._remove(old)

    @property
    def _reads(self) -> RedisConnection:
        return self._connection("read")

    @property
    def _writes(self) -> RedisConnection:
        return self._connection("write")

    def _connection(self, kind: str) -> RedisConnection:
        """This thread's own."""
        mine: RedisConnection | None = getattr(self._connections, kind, None)
        if mine is None:
            mine = RedisConnection(self._address, self._seconds[kind])
            setattr(self._connections, kind, mine)
        return mine

    def _keys(self, generation: int, view: str, entities: Sequence[str] | Mapping[str, Any]) -> Iterator[str]:
        before = self._beginning(generation, view)
        return (before + entity for entity in entities)

    def _beginning(self, generation: int, view: str) -> str:
        return f"{self._project}:{generation}:{view}:"

    def _notes(self, generation: int) -> str:
        # Not in the form of a row's key, which has three colons.
        return f"{self._project}:{generation}"

    def _published(self) -> int:
        return int(_text(self._writes.call("GET", self._pointer)) or 0)

    def _writable(self) -> int:
        """The generation to write; the first is published at once, unless it is a draft."""
        generation = self._published() + self._ahead
        if generation:
            return generation
        self._writes.call("SET", self._pointer, 1, "NX")
        return self._published()

    def _remove(self, generation: int) -> None:
        self._writes.call("UNLINK", self._notes(generation))
        cursor = b"0"
        pattern = f"{_literal(self._project)}:{generation}:*"
        while True:
            cursor, keys = _list(self._writes.call("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED))
            if keys:
                self._writes.call("UNLINK", *keys)
            if cursor == b"0":
                return


def _literal(text: str) -> str:
    """A text in which Redis' pattern signs mean themselves."""
    return "".join(f"\\{sign}" if sign in r"*?[]\\" else sign for sign in text)


def _list(reply: Any) -> list[Any]:
    if not isinstance(reply, list):
        raise FeatureError(f"Redis answers {type(reply).__name__} where a list is due; is it a Redis?")
    return reply


def _count(reply: Any) -> int:
    return int(reply)


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else ""
