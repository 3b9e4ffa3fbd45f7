from pathlib import Path

import pytest

from attune.config import Workspace
from attune.errors import PromotionConflictError
from attune.governance.database import URL_VARIABLE
from attune.registry import Registry
from tests.postgres_server import new_database
from tests.test_registry import origin, trained


def test_two_processes_share_one_record_on_a_server_and_no_file_is_made(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, new_database(postgres, "shared"))
    workspace = Workspace(root=tmp_path / "data")
    one, other = Registry(workspace), Registry(workspace)
    one.register(trained(tmp_path / "1", weight=1), origin(1))
    other.register(trained(tmp_path / "2", weight=2), origin(2))
    one.promote("churn", 1, None, "first", "a test")
    with pytest.raises(PromotionConflictError, match="version 1 of churn became champion"):
        other.promote("churn", 2, None, "better", "a test")
    other.promote("churn", 2, 1, "better", "a test", sequence=1)
    one.roll_back("churn", "worse", "a test")
    champion = other.champion("churn")
    assert champion is not None
    assert champion.version == 1
    assert other.problems() == []
    assert not workspace.registry.exists()
