"""Interactions from a Redis stream: a consumer group, so that several consumers share it and none loses any.

An entry has one field, `interaction`, a JSON object. Refused entries go to the stream `<name>:refused`, with
the fields `entry`, `reason` and `row`. Commands used, for an access list: XGROUP CREATE, XREADGROUP,
XAUTOCLAIM, XADD, XACK, MULTI, EXEC.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attune.adapters.redis_connection import Argument, RedisAddress, RedisConnection
from attune.errors import FeatureError
from attune.features.deliveries import Delivery, Refusal

FIELD = b"interaction"
GROUP = "attune"
ANSWER_SECONDS = 10.0
# Whoever has not settled an entry for so long is taken for dead, and the entry is delivered to another.
IDLE_SECONDS = 60.0


class RedisStream:
    """See `InteractionSource`; for one thread."""

    def __init__(
        self, url: str, stream: str, consumer: str, group: str = GROUP, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        """Nothing is opened yet.

        Args:
            url: `redis://user:password@host:6379/0`, with `rediss` for TLS.
            stream: Its name; it is made where it is not there, and then read from its beginning.
            consumer: Tells the consumers of a group apart; the same name goes on where it was killed.
            group: Each group is delivered every entry once.
            idle_seconds: After how long the entries of a consumer that went silent are taken over.
        """
        self._redis = RedisConnection(RedisAddress(url), ANSWER_SECONDS)
        self._stream, self._consumer, self._group = stream, consumer, group
        self._idle = round(idle_seconds * 1000)
        self._joined = False
        # Own entries that were not settled come first, then new ones.
        self._unsettled = True

    def take(self, count: int, wait_seconds: float) -> list[Delivery]:
        """Entries that were delivered before and not settled, then new ones."""
        if not self._joined:
            self._join()
        if self._unsettled:
            found = self._read(count, "0")
            self._unsettled = bool(found)
            if found:
                return found
        return self._abandoned(count) or self._read(count, ">", wait_seconds)

    def settle(self, ids: Sequence[str], refused: Mapping[str, Refusal]) -> None:
        """Write the dead letters and acknowledge, in one transaction."""
        letters: list[tuple[Argument, ...]] = [
            ("XADD", f"{self._stream}:refused", "*", "entry", each, "reason", why.reason, "row", why.row)
            for each, why in refused.items()
        ]
        settled: tuple[Argument, ...] = ("XACK", self._stream, self._group, *ids)
        self._redis.call_all([("MULTI",), *letters, settled, ("EXEC",)])

    def _join(self) -> None:
        try:
            self._redis.call("XGROUP", "CREATE", self._stream, self._group, "0", "MKSTREAM")
        except FeatureError as error:
            if "BUSYGROUP" not in str(error):  # the group is there already
                raise
        self._joined = True

    def _read(self, count: int, after: str, wait_seconds: float = 0) -> list[Delivery]:
        # 0 would block for ever.
        wait: tuple[Argument, ...] = ("BLOCK", round(wait_seconds * 1000)) if wait_seconds else ()
        group: tuple[Argument, ...] = ("XREADGROUP", "GROUP", self._group, self._consumer, "COUNT", count)
        found: Any = self._redis.call(*group, *wait, "STREAMS", self._stream, after)
        return self._deliveries(found[0][1]) if found else []

    def _abandoned(self, count: int) -> list[Delivery]:
        taken: Any = self._redis.call(
            "XAUTOCLAIM", self._stream, self._group, self._consumer, self._idle, "0-0", "COUNT", count
        )
        return self._deliveries(taken[1])

    def _deliveries(self, entries: Sequence[Any]) -> list[Delivery]:
        # An entry that was trimmed from the stream meanwhile has no fields any more: it is refused as empty.
        return [
            Delivery(
                id=name.decode(),
                at=datetime.fromtimestamp(int(name.split(b"-")[0]) / 1000, UTC),
                line=dict(zip(fields[::2], fields[1::2], strict=True)).get(FIELD, b"") if fields else b"",
            )
            for name, fields in entries
        ]
