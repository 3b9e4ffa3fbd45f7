"""A Kafka broker of a test's own: librdkafka's, in memory, reached over TCP on the loopback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PARTITIONS = 4


class Kafka:
    """The broker, which knows groups, offsets and heartbeats, and ends with the producer it belongs to."""

    def __init__(self) -> None:
        from confluent_kafka import Producer

        settings: dict[str, Any] = {"bootstrap.servers": "inside", "log_level": 0}
        self._broker = Producer(
            settings | {"test.mock.num.brokers": 1, "test.mock.broker.rtt": 0, "partitioner": "random"}
        )
        (found,) = self._broker.list_topics(timeout=10).brokers.values()
        self.address = f"{found.host}:{found.port}"

    def add(self, topic: str, *lines: str) -> None:
        """Write messages, spread over the partitions."""
        for number, each in enumerate(lines):
            self._broker.produce(topic, each.encode(), partition=number % PARTITIONS)
        assert self._broker.flush(10) == 0

    def read(self, topic: str, count: int) -> list[bytes]:
        """The first messages of a topic, without a group."""
        found = self._client("nobody", topic).consume(count, 10)
        return [each.value() or b"" for each in found]

    def committed(self, topic: str, group: str) -> int:
        """How many messages a group has settled."""
        offsets = self._client(group, topic).committed(_partitions(topic), 10)
        return sum(max(0, each.offset) for each in offsets)

    def _client(self, group: str, topic: str) -> Any:
        from confluent_kafka import Consumer

        client = Consumer({"bootstrap.servers": self.address, "group.id": group, "log_level": 0})
        client.assign(_partitions(topic))
        return client


@contextmanager
def running_kafka() -> Iterator[Kafka]:
    """A broker; skipped where the client is not installed, which CI must have."""
    try:
        broker = Kafka()
    except ImportError:
        missing = "no client of Kafka; pip install 'attune[kafka]'"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    yield broker


def _partitions(topic: str) -> list[Any]:
    from confluent_kafka import OFFSET_BEGINNING, TopicPartition

    return [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)]
