"""The registry of record on both of its databases."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.governance.ledger import Ledger
from tests.postgres_server import new_database, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    return new_database(request.getfixturevalue("postgres"), uuid.uuid4().hex)


@pytest.fixture
def ledger(database: str, tmp_path: Path) -> Ledger:
    return Ledger(database, tmp_path / "keys", tmp_path / "registry.heads")
