import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from attune.adapters.online_redis import RedisRows
from attune.adapters.redis_connection import RedisAddress, RedisConnection
from attune.adapters.redis_stream import RedisStream
from attune.errors import FeatureError
from attune.features.deliveries import Refusal
from tests.k8s.rendered import named, rendered
from tests.k8s.test_commands import new_secrets, script
from tests.redis_server import running_redis

# The test's Redis has a port and a folder of its own.
ELSEWHERE = {"bind", "port", "dir", "aclfile"}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A Redis with the configuration and the access list of the cluster; `user:password@host:port`."""
    folder = tmp_path_factory.mktemp("redis")
    (folder / "users.acl").write_text(script().redis_users("a password", "consumer's", "producer's"))
    lines = named(rendered("base"), "ConfigMap", "redis-configuration")["data"]["redis.conf"].splitlines()
    options = [line.split() for line in lines if line and not line.startswith("#")]
    words = [
        word.strip('"') if place else f"--{word}"
        for option in options
        if option[0] not in ELSEWHERE
        for place, word in enumerate(option)
    ]
    with running_redis(folder, *words, "--aclfile", str(folder / "users.acl")) as (url, _):
        yield url.removeprefix("redis://")


@pytest.fixture
def url(address):
    return f"redis://attune:a%20password@{address}"


def asks(url: str, *command: str):
    return RedisConnection(RedisAddress(url), 2.0).call(*command)


def test_our_user_may_do_all_that_the_online_store_does(url):
    rows = RedisRows(url, "attune", read_seconds=2.0)
    row = b"\x00" * 64
    rows.note("as_of", "2017-09-03")
    rows.put_many("activity", {"ann": b"\x01" * 64})
    draft = rows.draft()
    draft.note("as_of", "2017-09-10")
    draft.publish()
    assert rows.notes() == {"as_of": "2017-09-10"}
    assert rows.get_many(["activity"], ["ann"]) == [[None]]
    rows.put_many("activity", {"ann": row})
    assert rows.get_many(["activity"], ["ann"]) == [[row]]
    assert rows.delete(["activity"], "ann") == 1
    rows.wipe()
    assert rows.notes() == {}


@pytest.mark.parametrize(
    "command",
    [
        ("EVAL", "return 1", "0"),
        ("FUNCTION", "LIST"),
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("MONITOR",),
        ("SHUTDOWN",),
        ("GET", "somebody:else"),
    ],
)
def test_our_user_may_do_nothing_else(url, command):
    with pytest.raises(FeatureError, match="NOPERM"):
        asks(url, *command)


def test_an_application_writes_and_the_consumer_takes_and_settles(address):
    producer = f"redis://producer:producer%27s@{address}"
    asks(producer, "XADD", "interactions", "*", "interaction", "{}")
    with pytest.raises(FeatureError, match="NOPERM"):
        asks(producer, "XRANGE", "interactions", "-", "+")
    stream = RedisStream(f"redis://consumer:consumer%27s@{address}", "interactions", "consume")
    (delivery,) = stream.take(10, 0.1)
    assert delivery.line == b"{}"
    stream.settle([delivery.id], {delivery.id: Refusal("empty", "{}")})
    assert stream.take(10, 0.1) == []
    with pytest.raises(FeatureError, match="NOPERM"):
        asks(f"redis://consumer:consumer%27s@{address}", "GET", "attune:generation")


def test_nobody_comes_in_without_a_password(address):
    with pytest.raises(FeatureError, match="NOAUTH"):
        asks(f"redis://{address}", "PING")


def test_the_probe_may_ask_whether_redis_answers_and_nothing_more(address):
    probe = f"redis://probe:probe@{address.partition('/')[0]}"
    assert asks(probe, "PING") == b"PONG" or asks(probe, "PING") == "PONG"
    with pytest.raises(FeatureError, match="NOPERM"):
        asks(probe, "GET", "attune:generation")


def test_secrets_have_the_form_that_the_code_reads():
    made = new_secrets()
    assert load_pem_private_key(made["signing-key"]["signing.pem"].encode(), None)
    urls = made["online-store"]["url"], made["stream"]["url"], made["stream"]["producer-url"]
    passwords = [RedisAddress(url).greeting[0][2] for url in urls]
    assert script().redis_users(*passwords) == made["redis-acl"]["users.acl"]
    assert made["postgres"]["password"] in made["registry"]["url"]
