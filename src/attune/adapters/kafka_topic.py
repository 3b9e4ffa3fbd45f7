"""Interactions from a Kafka topic: a consumer group whose offsets are committed when interactions were taken.

A message is a JSON object; its key is free. Refused ones go to the topic `<topic>.refused`, with `entry`,
`reason` and `row`. Rights wanted: to read the topic and the group, to write the other topic.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from attune.errors import ConfigError, FeatureError
from attune.features.deliveries import Delivery, Refusal

try:
    from confluent_kafka import (
        TIMESTAMP_NOT_AVAILABLE,
        Consumer,
        KafkaError,
        KafkaException,
        Message,
        Producer,
        TopicPartition,
    )
except ImportError as error:
    raise ConfigError("the client of Kafka is not installed; pip install 'attune[kafka]'") from error

SCHEMES = ("kafka", "kafkas")
ANSWER_SECONDS = 10.0
# What at-least-once delivery rests on is not for a URL to change.
OURS = {
    "group.id": "",
    "group.instance.id": "",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
}


class KafkaTopic:
    """See `InteractionSource`; for one thread, and what `take` gave is settled as a whole."""

    def __init__(self, url: str, topic: str, consumer: str, group: str) -> None:
        """Nothing is asked of Kafka yet.

        Args:
            url: See `settings_of`.
            topic: Its name; a group that is new begins at its beginning.
            consumer: Tells the consumers of a group apart; the same name goes on at once where it was killed.
            group: Each group is delivered every message once.

        Raises:
            ConfigError: The URL cannot be used.
        """
        settings = settings_of(url)
        own = OURS | {"group.id": group, "group.instance.id": consumer, "error_cb": self._note}
        self._settings, self._servers = settings, settings["bootstrap.servers"]
        self._topic = topic
        self._fault: KafkaError | None = None
        try:
            self._consumer = Consumer(settings | own)
        except KafkaException as error:
            raise ConfigError(f"the URL of Kafka has a setting that cannot be used: {error}") from error
        self._consumer.subscribe([topic])

    def take(self, count: int, wait_seconds: float) -> list[Delivery]:
        """The next message as soon as there is one, and what has come with it."""
        first = self._consumer.poll(wait_seconds)
        if first is None:
            self._require_reached()
            return []
        self._fault = None
        return [_delivery(self._sound(each)) for each in (first, *self._consumer.consume(count - 1, 0))]

    def settle(self, ids: Sequence[str], refused: Mapping[str, Refusal]) -> None:
        """Write the dead letters, wait until they are kept, then commit the offsets that follow."""
        if refused:
            self._write(refused)
        last: dict[int, int] = {}
        for partition, offset in (map(int, each.split("-")) for each in ids):
            last[partition] = max(offset, last.get(partition, 0))
        after = [TopicPartition(self._topic, partition, offset + 1) for partition, offset in last.items()]
        try:
            self._consumer.commit(offsets=after, asynchronous=False)
        except KafkaException as error:
            raise FeatureError(
                f"Kafka at {self._servers} does not take what was settled ({error}); it is delivered again"
            ) from error

    def _write(self, refused: Mapping[str, Refusal]) -> None:
        lost: list[KafkaError] = []
        for entry, why in refused.items():
            letter = {"entry": entry, "reason": why.reason, "row": why.row}
            self._letters.produce(
                f"{self._topic}.refused",
                json.dumps(letter).encode(),
                on_delivery=lambda fault, _: lost.append(fault) if fault else None,
            )
        left = self._letters.flush(ANSWER_SECONDS)
        if left or lost:
            raise FeatureError(
                f"Kafka at {self._servers} did not take {left + len(lost):,} refused interactions for "
                f"{self._topic}.refused ({lost[0].str() if lost else 'no answer in time'}); they come again"
            )

    @cached_property
    def _letters(self) -> Producer:
        return Producer(self._settings | {"enable.idempotence": True, "error_cb": self._note})

    def _note(self, fault: KafkaError) -> None:
        """Told by the client of what it goes on trying; one broker of several may well be away."""
        if fault.fatal() or fault.code() == KafkaError._ALL_BROKERS_DOWN:
            self._fault = fault

    def _require_reached(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise FeatureError(f"Kafka at {self._servers} cannot be reached ({fault.str()}); is it running?")

    def _sound(self, message: Message) -> Message:
        fault = message.error()
        if fault is not None:
            raise FeatureError(f"Kafka at {self._servers} refuses topic {self._topic!r}: {fault.str()}")
        return message


def settings_of(url: str) -> dict[str, Any]:
    """The settings of Kafka's client from a URL.

    Args:
        url: `kafka://host:9092,other:9092`, with `kafkas` for TLS, `user:password@` before the hosts where
            the brokers want one, and after `?` whatever else the client (librdkafka) can be told, for
            example `?sasl.mechanisms=SCRAM-SHA-512&ssl.ca.location=ca.pem`.

    Raises:
        ConfigError: It names no broker, or a setting that is not its to make.
    """
    parts = urlsplit(url)
    login, _, servers = parts.netloc.rpartition("@")
    if parts.scheme not in SCHEMES or not servers:
        raise ConfigError("the URL of Kafka names no broker; kafka://host:9092 is wanted")
    more = dict(parse_qsl(parts.query))
    if taken := sorted(set(more) & {*OURS, "bootstrap.servers"}):
        raise ConfigError(f"{taken[0]} is not for the URL of Kafka to say; leave it out")
    user, _, password = map(unquote, login.partition(":"))
    protocol = ("sasl_" if login else "") + ("ssl" if parts.scheme == "kafkas" else "plaintext")
    named = {"sasl.mechanisms": "PLAIN", "sasl.username": user, "sasl.password": password} if login else {}
    return {"bootstrap.servers": servers, "security.protocol": protocol, **named, **more}


def _delivery(message: Message) -> Delivery:
    kind, milliseconds = message.timestamp()
    known = kind != TIMESTAMP_NOT_AVAILABLE
    return Delivery(
        id=f"{message.partition()}-{message.offset()}",
        at=datetime.fromtimestamp(milliseconds / 1000, UTC) if known else datetime.now(UTC),
        line=message.value() or b"",
    )
