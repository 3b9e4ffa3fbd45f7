import pytest

from attune.config import HOME_VARIABLE, Settings, Workspace, load_params
from attune.errors import ConfigError


class Oven(Settings):
    loaves: int = 2
    heat: float = 200.0


class Bakery(Settings):
    name: str = ""
    oven: Oven | None = None


def test_whole_numbers_that_kfp_turned_into_floats_are_whole_again():
    assert Oven.parse({"loaves": 3.0}) == Oven(loaves=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"loafs": 3}, r"loafs: Extra inputs are not permitted.*it knows: loaves, heat"),
        ({"loaves": 2.5}, r"loaves: Input should be a valid integer"),
        ({"heat": "hot"}, r"heat: Input should be a valid number"),
    ],
)
def test_what_settings_do_not_know_or_take_is_named(values, message):
    with pytest.raises(ConfigError, match=message):
        Oven.parse(values)


def test_a_misspelt_key_within_is_answered_with_the_keys_that_are_known_there():
    with pytest.raises(ConfigError, match=r"oven\.loafs: Extra inputs.*; oven knows: loaves, heat$"):
        Bakery.parse({"oven": {"loafs": 3}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "holds a list, not a mapping"),
        (b"a: [", "is not valid YAML"),
        (b"a: " + b"[" * 5000, "is not valid YAML"),
        (b"", "holds nothing"),
        (b"name: B\xe4ckerei\n", "is not UTF-8"),
        (b"a: 1\nb: {c: 1, c: 2}\n", "the key 'c' stands there twice"),
    ],
)
def test_a_parameter_file_that_is_none_is_refused(content, message, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_params(file)


def test_a_folder_is_no_parameter_file(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read .*; name a mapping"):
        load_params(tmp_path, "mapping")


def test_a_key_that_is_merged_may_be_said_again(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert load_params(file)["b"] == {"x": 1, "y": 3}


def test_a_missing_parameter_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no parameter file"):
        load_params(tmp_path / "none.yaml")


def test_the_workspace_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert Workspace.here().tables == tmp_path / "tables"
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.chdir(tmp_path)
    assert Workspace.here().root == tmp_path / "data"
