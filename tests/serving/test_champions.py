import json
import shutil
from pathlib import Path

import pytest

from attune.errors import FeatureError, IntegrityError
from attune.registry import HEADS_FILE, Registry
from serving.champions import Champions, check_champions
from tests.serving.conftest import Shop, release


@pytest.fixture
def mine(shop: Shop, tmp_path: Path) -> Shop:
    """The shop in a folder of the test's own."""
    return shop.elsewhere(tmp_path / "workspace")


def another(mine: Shop, tmp_path: Path, run: int) -> int:
    """Release another version of churn, and say its number."""
    examples = mine.examples("churn")
    return release(mine.workspace, "churn", examples, tmp_path / f"trained-{run}", run).version


def spoil(mine: Shop, version: int) -> None:
    weights = mine.workspace.models / "churn" / str(version) / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))


def serving(champions: Champions) -> int | None:
    champion = champions.of("churn")
    return champion.number if champion else None


def test_a_new_champion_is_taken_and_an_old_one_again(mine, tmp_path):
    registry = Registry(mine.workspace)
    champions = Champions(registry)
    champions.refresh()
    assert (serving(champions), champions.ready) == (1, True)
    assert another(mine, tmp_path, run=2) == 2
    champions.refresh()
    assert serving(champions) == 2
    registry.promote("churn", 1, expected=2, reason="a test", cause="a test")
    champions.refresh()
    assert serving(champions) == 1


def test_a_spoilt_version_is_refused_and_the_old_one_serves_on(mine, tmp_path):
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    spoil(mine, another(mine, tmp_path, run=2))
    champions.refresh()
    (status,) = [status for status in champions.status() if status.name == "churn"]
    assert (status.champion, status.refused) == (1, 2)
    assert status.reason is not None
    assert "weights.safetensors" in status.reason
    assert champions.ready


def test_a_process_that_starts_late_serves_the_last_sound_champion(mine, tmp_path):
    spoil(mine, another(mine, tmp_path, run=2))
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    refusal = champions.refusal("churn")
    assert refusal is not None
    assert (serving(champions), refusal.version, champions.ready) == (1, 2, True)


def test_a_spoilt_first_version_leaves_nothing_to_serve(mine):
    spoil(mine, 1)
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    assert (serving(champions), champions.ready) == (None, False)
    with pytest.raises(IntegrityError, match="weights"):
        check_champions(Registry(mine.workspace))


def test_nobody_serves_a_model_of_other_features(mine, monkeypatch):
    from attune.features import schema

    fewer = {"customer_activity": ("recency_days", "tenure_days")}
    monkeypatch.setitem(schema.SERVICES, "churn_v1", fewer)  # type: ignore[arg-type]
    with pytest.raises(FeatureError, match="age_band"):
        check_champions(Registry(mine.workspace))


def test_without_a_champion_nothing_is_ready(mine):
    shutil.rmtree(mine.workspace.models)
    mine.workspace.registry.unlink()
    (mine.workspace.root / HEADS_FILE).unlink()
    champions = Champions(Registry(mine.workspace))
    champions.refresh()
    assert not champions.ready
    check_champions(Registry(mine.workspace))
    assert json.loads(champions.status()[0].model_dump_json())["champion"] is None
