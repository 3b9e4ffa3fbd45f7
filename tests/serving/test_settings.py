import pytest

from attune.errors import ConfigError
from serving.settings import ServingSettings


def test_settings_come_as_json_from_the_environment():
    settings = ServingSettings.here({"ATTUNE_SERVING": '{"concurrency": 4, "now": "2017-10-01T00:00:00Z"}'})
    assert settings.concurrency == 4
    assert settings.now is not None
    assert settings.now.year == 2017
    assert ServingSettings.here({}) == ServingSettings()


@pytest.mark.parametrize("text", ["{", "[]", '{"concurency": 4}', '{"now": "2017-10-01T00:00:00"}'])
def test_wrong_settings_are_refused_by_name(text):
    with pytest.raises(ConfigError):
        ServingSettings.here({"ATTUNE_SERVING": text})
