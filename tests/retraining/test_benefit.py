from datetime import UTC, datetime
from pathlib import Path

import pytest

from attune.config import Workspace
from attune.evaluation.results import Difference
from attune.models import catalog
from attune.registry import Registry, Version
from attune.retraining.benefit import benefit_of, measure_benefit
from tests.models.examples import churn_examples
from tests.origins import make_origin
from tests.plans import churn_plan
from tests.presentable import make_presentable

JULY = datetime(2017, 7, 2, tzinfo=UTC)
PLAN = churn_plan("churn_network", "logistic_regression", gate={"metric": "roc_auc", "min_rows": 100})


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(Workspace(root=tmp_path / "home"))


@pytest.fixture
def champion(registry: Registry, tmp_path: Path) -> Version:
    """Logistic regression that has learnt that those leave who have not bought for long."""
    model = catalog.build("logistic_regression", {})
    model.fit(churn_examples(600, 1), churn_examples(100, 2))
    model.save(tmp_path / "trained")
    origin = make_origin(JULY)
    return registry.register(make_presentable(tmp_path / "trained"), origin)


def examples(folder: Path, turned: bool) -> Path:
    """Fresh examples: of the same world, or of one where those leave who have just bought."""
    folder.mkdir()
    for seed, (part, rows) in enumerate({"train": 600, "validation": 100, "test": 600}.items(), start=3):
        frame = churn_examples(rows, seed)
        if turned:
            frame["recency_days"] = 90 - frame["recency_days"]
        frame.to_parquet(folder / f"{part}.parquet")
    return folder


def test_in_the_same_world_there_is_nothing_to_gain(registry: Registry, champion: Version, tmp_path: Path):
    found = measure_benefit(registry, champion, PLAN, examples(tmp_path / "examples", turned=False))
    assert found is not None
    assert abs(found.gain) < 0.01
    assert found.rows == 600


def test_in_a_world_that_has_turned_there_is_much(registry: Registry, champion: Version, tmp_path: Path):
    found = measure_benefit(registry, champion, PLAN, examples(tmp_path / "examples", turned=True))
    assert found is not None
    assert found.gain > 0.5 > found.detectable


def test_without_an_interval_nothing_is_said():
    assert benefit_of(Difference(a="a", b="b", metric="m", level=0.95, reason="too few rows"), 3) is None


def test_a_network_alone_has_no_quick_model(registry: Registry, champion: Version, tmp_path: Path):
    network = Version(
        champion.name,
        champion.version,
        champion.folder,
        champion.manifest.model_copy(update={"algorithm": "churn_network"}),
    )
    plan = {**PLAN, "candidates": {"churn_network": {}}}
    assert measure_benefit(registry, network, plan, tmp_path) is None
