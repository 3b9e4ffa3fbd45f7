import pytest

from attune.config import HOME_VARIABLE, Settings, Workspace, load_params
from attune.errors import ConfigError


class Oven(Settings):
    loaves: int = 2
    heat: float = 200.0


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


@pytest.mark.parametrize(
    ("text", "message"),
    [("- a\n- b\n", "holds list, not a mapping"), ("a: [", "is not valid YAML"), ("", "holds NoneType")],
)
def test_a_parameter_file_that_is_none_is_refused(text, message, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_params(file)


def test_a_missing_parameter_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no parameter file"):
        load_params(tmp_path / "none.yaml")


def test_the_workspace_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert Workspace.here().tables == tmp_path / "tables"
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.chdir(tmp_path)
    assert Workspace.here().root == tmp_path / "data"
