import numpy as np
import pytest

from attune.config import Settings
from attune.errors import ModelError
from attune.models.base import read_model, write_model


def test_settings_state_and_weights_come_back(tmp_path):
    write_model(tmp_path / "model", Settings(), {"words": ["a", "b"]}, {"w": np.array([[1.0, 2.0]]).T})
    config, state, tensors = read_model(tmp_path / "model")
    assert (config, state) == ({}, {"words": ["a", "b"]})
    assert tensors["w"].tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_weight_that_is_not_a_finite_number_is_never_saved(bad, tmp_path):
    with pytest.raises(ModelError, match=r"\['w'\] are not finite"):
        write_model(tmp_path / "model", Settings(), {}, {"w": np.array([1.0, bad])})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("harm", ["weights.safetensors", "config.json"])
def test_a_cut_file_is_refused(harm, tmp_path):
    write_model(tmp_path, Settings(), {}, {"w": np.ones(100)})
    (tmp_path / harm).write_bytes((tmp_path / harm).read_bytes()[:20])
    with pytest.raises(ModelError, match="no readable model"):
        read_model(tmp_path)
