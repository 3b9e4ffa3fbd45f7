from pathlib import Path

import pytest

from attune.config import Workspace
from tests.features.live_shop import open_shop


@pytest.fixture(scope="session")
def streamed_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A shop that takes what streams deliver; each test has a stream of its own name."""
    return open_shop(Path(tmp_path_factory.mktemp("streamed")))
