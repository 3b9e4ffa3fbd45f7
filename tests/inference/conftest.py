"""Every network of the catalogue, written as graphs once."""

from pathlib import Path
from typing import Any

import pytest

from tests.inference.networks import written


@pytest.fixture(scope="session")
def graph_of(tmp_path_factory):
    """The network of a name and the folder of its graphs."""
    home = tmp_path_factory.mktemp("graphs")
    made: dict[str, tuple[Any, Path]] = {}

    def find(name: str) -> tuple[Any, Path]:
        if name not in made:
            made[name] = written(name, home / name), home / name
        return made[name]

    return find
