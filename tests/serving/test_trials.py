"""Versions on trial: a canary that answers some, a shadow whose answers nobody sees, and going back."""

import json
from pathlib import Path
from typing import Any

import pytest

from attune.registry import Registry
from serving.lineup import part_of
from serving.schemas import ChurnRequest, RecommendRequest
from tests.serving.answering import Answering, answering, eventually
from tests.serving.conftest import Shop, register, release


@pytest.fixture(scope="module")
def mine(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a second version of each model."""
    folder = tmp_path_factory.mktemp("trials")
    copied = shop.elsewhere(folder / "workspace")
    for name in ("churn", "recommend"):
        register(copied.workspace, name, copied.examples(name), folder / name, run=2)
    return copied


def stage(mine: Shop, name: str, stage: str) -> None:
    registry = Registry(mine.workspace)
    if registry.stages(name)[2] != stage:
        registry.move(name, 2, stage, "a test", "a test")  # type: ignore[arg-type]


def version(answers: Answering, customer: str) -> int:
    return answers.scores.churn(ChurnRequest(customer_id=customer)).model_version


def test_a_canary_answers_its_share_of_the_customers_and_each_the_same_way(mine, tmp_path):
    stage(mine, "churn", "canary")
    parts = {raw: part_of("churn", mine.pseudonym(raw)) for raw in (mine.loyal, mine.second)}
    (low, _), (high, share) = sorted(parts.items(), key=lambda pair: pair[1])
    with answering(mine, tmp_path / "log", canary_share=share) as answers:
        assert [version(answers, low), version(answers, low), version(answers, high)] == [2, 2, 1]
    with answering(mine, tmp_path / "none", canary_share=0.0) as answers:
        assert version(answers, low) == 1
        assert [trial.stage for trial in answers.lineup.trials()] == ["canary"]


def test_customers_are_split_evenly_and_by_model():
    parts = [part_of("churn", f"c_{number}") for number in range(2000)]
    assert sum(part < 0.1 for part in parts) / 2000 == pytest.approx(0.1, abs=0.02)
    both = [part < 0.5 and part_of("recommend", f"c_{number}") < 0.5 for number, part in enumerate(parts)]
    assert sum(both) / 2000 == pytest.approx(0.25, abs=0.03)


def test_a_shadow_is_compared_and_never_answers(mine, tmp_path):
    stage(mine, "churn", "shadow")
    stage(mine, "recommend", "shadow")
    with answering(mine, tmp_path / "log") as answers:
        score = answers.scores.churn(ChurnRequest(customer_id=mine.loyal))
        items = answers.recommendations.recommend(RecommendRequest(customer_id=mine.loyal, k=5))
        assert (score.model_version, items.model_version) == (1, 1)
        eventually(lambda: len(lines(tmp_path / "log" / "shadow")) == 2)
    compared = {line["prediction_id"]: line for line in lines(tmp_path / "log" / "shadow")}
    # The second version learnt the same from the same examples.
    assert compared[score.prediction_id]["shadow_version"] == 2
    assert compared[score.prediction_id]["difference"] == pytest.approx(0, abs=1e-9)
    assert compared[items.prediction_id]["overlap"] == 1.0


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in folder.glob("*") for line in file.read_text().splitlines()]


def test_going_back_needs_no_loading(mine, tmp_path):
    changed = mine.elsewhere(tmp_path / "workspace")
    release(changed.workspace, "churn", changed.examples("churn"), tmp_path / "third", run=3)
    with answering(mine, tmp_path / "log") as answers:
        lineup = answers.lineup
        first = lineup.answering("churn", None)
    with answering(changed, tmp_path / "other") as answers:
        lineup = answers.lineup
        assert lineup.answering("churn", None).number == 3
        Registry(changed.workspace).roll_back("churn", "a test", "a test")
        lineup.refresh()
        back = lineup.answering("churn", None)
        assert back.number == first.number == 1
        Registry(changed.workspace).promote("churn", 3, expected=1, reason="a test", cause="a test")
        lineup.refresh()
        again = lineup.answering("churn", None)
        Registry(changed.workspace).roll_back("churn", "a test", "a test")
        lineup.refresh()
        # The very object that served before: it was kept, not loaded again.
        assert again.number == 3
        assert lineup.answering("churn", None) is back
