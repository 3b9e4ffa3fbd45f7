import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.config import Workspace
from tests.monitoring.console.governed import make_workspace
from tests.monitoring.console.running import console


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace that tests only read."""
    return make_workspace(tmp_path_factory.mktemp("governed") / "data")


@pytest.fixture(scope="session")
def address(told: Workspace) -> Iterator[str]:
    """Its console; nobody has a token, so everybody on this machine may read."""
    with console(told) as found:
        yield found


@pytest.fixture
def workspace(told: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the workspace, which a test may change."""
    shutil.copytree(told.root, tmp_path / "data")
    return Workspace(root=tmp_path / "data")
