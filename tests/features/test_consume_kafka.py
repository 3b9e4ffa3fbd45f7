"""A topic of interactions, from a broker over TCP: each counts once, whatever happens to who takes it."""

import itertools
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from attune.adapters.online_sqlite import SqliteRows
from attune.adapters.streams import open_stream
from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.errors import ConfigError, FeatureError
from attune.features.consume import ConsumeReport, consume
from attune.features.push import Pusher
from attune.features.settings import FeatureSettings
from tests.features.streaming import consuming, line, logged, wait_for, wait_until
from tests.kafka_broker import Kafka, running_kafka

# A consumer that was killed is given up after this; of real ones after 45 seconds.
QUICK = "session.timeout.ms=3500&log_level=0"
topics = itertools.count()


@pytest.fixture
def shop(streamed_shop) -> Workspace:
    return streamed_shop


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    with running_kafka() as broker:
        yield broker


@pytest.fixture
def topic() -> str:
    return f"interactions-{next(topics)}"


def take(kafka: Kafka, topic: str, shop: Workspace, count: int) -> ConsumeReport:
    """Consume until so many were taken."""
    source = open_stream(f"kafka://{kafka.address}?{QUICK}", topic, "tests", "attune")
    pusher = Pusher(shop.tables, SqliteRows(shop.feast / "online.db"), FeatureSettings())
    sofar = ConsumeReport()

    def done() -> bool:
        return sofar.accepted + sofar.duplicate + sofar.refused >= count

    def note(report: ConsumeReport) -> None:
        nonlocal sofar
        sofar = report

    return consume(source, pusher, load_or_make_key(shop.pseudonym_key), done, note)


def test_what_is_in_the_topic_is_online_once_and_refused_lines_are_dead_letters(shop, kafka, topic):
    good = [line(number, topic) for number in range(4)]
    wrong = [line(7, topic, amount=-1), line(8, topic, shoe="private"), "{not json"]
    kafka.add(topic, *good, good[1], *wrong)
    report = take(kafka, topic, shop, 8)
    assert (report.accepted, report.duplicate, report.refused) == (4, 1, 3)
    assert sorted(logged(shop, topic)) == [f"{topic} order {number}" for number in range(4)]
    assert kafka.committed(topic, "attune") == 8
    letters = [json.loads(each) for each in kafka.read(f"{topic}.refused", 3)]
    reasons = sorted(letter["reason"] for letter in letters)
    assert reasons[0] == "amount: Input should be greater than or equal to 0"
    assert reasons[1] == "shoe: Extra inputs are not permitted"
    assert reasons[2].startswith("the line: Invalid JSON")
    rows = "".join(letter["row"] for letter in letters)
    assert "private" not in rows
    assert "customer 1" not in rows
    assert pseudonym(load_or_make_key(shop.pseudonym_key), "customer 1") in rows


def test_a_killed_consumer_loses_nothing_and_nothing_counts_twice_and_sigterm_ends_it_in_order(
    shop, kafka, topic
):
    orders = [f"{topic} order {number}" for number in range(1_200)]
    kafka.add(topic, *(line(number, topic) for number in range(1_200)))
    url = f"kafka://{kafka.address}?{QUICK}"
    with consuming(shop, url, topic) as process:
        wait_until(topic, shop, 1)
        process.kill()
    assert 0 < len(logged(shop, topic)) < len(orders)
    assert kafka.committed(topic, "attune") < len(orders)
    with consuming(shop, url, topic) as process:
        # What the first one logged and did not settle is delivered again, maybe after all the rest.
        wait_for(lambda: kafka.committed(topic, "attune") == len(orders))
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "stopped: " in said
    assert sorted(logged(shop, topic)) == sorted(orders)
    assert kafka.committed(topic, "attune") == len(orders)


def test_a_broker_that_is_not_there_is_said_in_words():
    source = open_stream("kafka://127.0.0.1:1?log_level=0", "interactions", "tests", "attune")
    with pytest.raises(FeatureError, match=r"Kafka at 127\.0\.0\.1:1 cannot be reached"):
        any(source.take(1, 0.1) for _ in range(50))


WRONG = {
    "kafka://": "names no broker",
    "kafka://host:9092?enable.auto.commit=true": "enable.auto.commit is not for the URL",
    "kafka://host:9092?nonsense=1": "a setting that cannot be used",
}


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_cannot_be_used_is_said_in_words(url):
    with pytest.raises(ConfigError, match=WRONG[url]):
        open_stream(url, "interactions", "tests", "attune")


def test_a_password_goes_to_the_client_and_never_into_a_message():
    from attune.adapters.kafka_topic import settings_of

    settings: dict[str, Any] = settings_of("kafkas://me:a%20secret@host:9093?sasl.mechanisms=SCRAM-SHA-512")
    assert settings["sasl.password"] == "a secret"
    assert settings["security.protocol"] == "sasl_ssl"
    assert settings["sasl.mechanisms"] == "SCRAM-SHA-512"
    with pytest.raises(ConfigError) as refused:
        open_stream("kafkas://me:secret@host:9093?nonsense=1", "interactions", "tests", "attune")
    assert "secret" not in str(refused.value)
