"""Which stream interactions come from: a URL decides, as it does for the online store."""

from urllib.parse import urlsplit

from attune.features.consume import InteractionSource


def open_stream(url: str, stream: str, consumer: str, group: str) -> InteractionSource:
    """A Redis stream (`redis`, `rediss`, `unix`) or a Kafka topic (`kafka`, `kafkas`).

    Args:
        url: Where it is.
        stream: The stream's or topic's name.
        consumer: Tells the consumers of a group apart.
        group: Each group is delivered every interaction once.

    Raises:
        ConfigError: It is no such URL, or the client of Kafka is not installed.
    """
    if urlsplit(url).scheme in ("kafka", "kafkas"):
        from attune.adapters.kafka_topic import KafkaTopic

        return KafkaTopic(url, stream, consumer, group)
    from attune.adapters.redis_stream import RedisStream

    return RedisStream(url, stream, consumer, group)
