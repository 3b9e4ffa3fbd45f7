import pytest

from attune.errors import ConfigError
from serving.api_keys import ApiKeys, is_loopback

FIRST, SECOND = "first-key-of-decent-length", "second-key-of-decent-length"


def test_keys_come_from_the_environment_and_from_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# the web shop\n{SECOND}\n\n", encoding="utf-8")
    keys = ApiKeys.here({"ATTUNE_API_KEYS": f"{FIRST}, ", "ATTUNE_API_KEYS_FILE": str(file)})
    assert keys.open_for({b"x-api-key": FIRST.encode()})
    assert keys.open_for({b"authorization": f"bearer {SECOND}".encode()})
    assert not keys.open_for({b"authorization": f"basic {SECOND}".encode()})
    assert not keys.open_for({b"x-api-key": b""})
    assert not keys.open_for({})


def test_without_configuration_there_are_no_keys():
    assert not ApiKeys.here({})


def test_a_short_key_is_refused():
    with pytest.raises(ConfigError, match="shorter than 16"):
        ApiKeys(["secret"])


def test_a_file_of_keys_must_hold_one(tmp_path):
    file = tmp_path / "keys"
    file.write_text("# none yet\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no key"):
        ApiKeys.here({"ATTUNE_API_KEYS_FILE": str(file)})
    with pytest.raises(ConfigError, match="cannot be read"):
        ApiKeys.here({"ATTUNE_API_KEYS_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_local(host, loopback):
    assert is_loopback(host) == loopback
