"""Every model of the catalogue, trained once."""

from pathlib import Path

import pytest

from attune.training.train import train
from tests.models.examples import FAST, write_examples


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of each model, trained once."""
    home = tmp_path_factory.mktemp("trained")
    folders: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in folders:
            folders[name] = home / name
            train(name, {}, FAST, write_examples(name, home / f"{name}-examples"), folders[name])
        return folders[name]

    return folder_of
