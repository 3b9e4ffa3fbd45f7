import pytest

from attune.errors import ConfigError
from serving.api_keys import ApiKeys, is_loopback

FIRST, SECOND = "first-key-of-decent-length", "second-key-of-decent-length"


def test_keys_come_from_the_environment_and_from_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# the web shop\n{SECOND}\n\n", encoding="utf-8")
    keys = ApiKeys.here({"ATTUNE_API_KEYS": f"{FIRST}, ", "ATTUNE_API_KEYS_FILE": str(file)})
    assert keys.find(FIRST.encode())
    assert keys.find(SECOND.encode())
    assert keys.find(b"") is keys.find(b"another") is None


def test_a_key_has_the_scopes_that_stand_behind_it_or_all():
    keys = ApiKeys([FIRST, f"{SECOND} recommend events"])
    limited, full = keys.find(SECOND.encode()), keys.find(FIRST.encode())
    assert limited is not None
    assert full is not None
    assert limited.scopes == {"recommend", "events"}
    assert full.scopes == {"recommend", "score", "events", "admin"}
    assert FIRST not in full.name


def test_a_scope_that_there_is_not_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="1 scope") as refused:
        ApiKeys([f"{FIRST} everything"])
    assert "everything" not in str(refused.value)


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
