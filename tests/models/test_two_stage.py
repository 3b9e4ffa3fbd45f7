import numpy as np
import pandas as pd
import pytest

from attune.errors import ConfigError, ModelError
from attune.models.catalog import build
from attune.models.history import known_purchases
from attune.models.two_stage import TwoStage
from attune.models.two_stage_examples import past_and_asked
from tests.models.shopping import AS_OF, best, shopping

ITEMS = [f"item-{number:02}" for number in range(20)]
FEW = {"rows_per_leaf": 5, "each": 10}


def by_weekend(rows: int, seed: int, as_of: pd.Timestamp = AS_OF) -> pd.DataFrame:
    """Of two items bought alike often, who shops on weekends takes the older one next, others the newer."""
    draw = np.random.default_rng(seed)
    weekends = draw.integers(0, 2, rows)
    sentences = []
    for weekend in weekends:
        older, newer = draw.choice(ITEMS, 2, replace=False)
        sentences.append(f"{older}@20 {newer}@5 -> {older if weekend else newer}")
    examples = shopping(*sentences, as_of=as_of).assign(weekend_share=weekends.astype(float))
    return examples.assign(customer_id=[f"{seed}-{row}" for row in range(rows)])


def hits(model, examples: pd.DataFrame) -> float:
    found, _ = model.recommend(examples, k=1)
    return float(np.mean([row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]))


@pytest.fixture(scope="module")
def ranked() -> TwoStage:
    model = build("two_stage", FEW)
    model.fit(by_weekend(400, seed=0), by_weekend(100, seed=1))
    return model


def test_the_ranker_learns_from_the_history_and_from_features_of_the_customer(ranked):
    asked = by_weekend(100, seed=2)
    assert ranked.trees is not None
    assert hits(ranked, asked) > 0.75
    assert hits(ranked, asked.drop(columns="weekend_share")) < 0.7  # a feature that is not there is missing


def test_both_stages_travel_with_the_model(ranked, tmp_path):
    ranked.save(tmp_path)
    asked = by_weekend(20, seed=2)
    for found, wanted in zip(
        TwoStage.load(tmp_path).recommend(asked, 5), ranked.recommend(asked, 5), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)


def test_candidates_know_nothing_of_what_was_bought_after_the_date():
    week = pd.Timedelta(days=7)
    early = shopping("bread@9 -> milk", "tea@3 -> salt", as_of=AS_OF - week)
    late = shopping("bread@16 milk@5 -> caviar", "tea@10 -> soap")
    train = pd.concat([early, late], ignore_index=True)
    past, asked, _ = past_and_asked(train, 2)
    assert [list(label) for label in asked["label"]] == [["caviar"], ["soap"]]
    assert sorted(known_purchases(past)["item_id"]) == ["bread", "milk", "tea"]


def test_at_most_half_of_the_examples_are_asked_about_so_that_the_others_name_candidates():
    dates = [AS_OF + pd.Timedelta(days=day) for day in range(4)]
    train = pd.concat([shopping("bread@9 -> milk", as_of=date) for date in dates], ignore_index=True)
    past, asked, _ = past_and_asked(train, 1_000)
    assert list(asked["event_timestamp"]) == dates[2:]
    assert list(past["event_timestamp"]) == [*dates[:3], dates[2]]


def test_of_who_is_asked_later_stage_one_knows_what_was_bought_until_then():
    first, second = (AS_OF + pd.Timedelta(days=days) for days in (-30, -10))
    train = pd.concat(
        [
            shopping("bread@9 -> milk", as_of=first),
            shopping("tea@3 -> salt", as_of=second).assign(customer_id="bob"),
            shopping("soap@20 rice@5 -> caviar").assign(customer_id="eve"),
        ],
        ignore_index=True,
    )
    past, asked, _ = past_and_asked(train, 2)
    assert [list(label) for label in asked["label"]] == [["salt"], ["caviar"]]
    assert sorted(known_purchases(past)["item_id"]) == ["bread", "soap", "tea"]


def test_later_orders_of_histories_are_asked_about_where_examples_are_few_and_say_nothing_else():
    first, second = (AS_OF + pd.Timedelta(days=days) for days in (-60, -30))
    train = pd.concat(
        [
            shopping("bread@9 -> milk", as_of=first),
            shopping("tea@3 -> salt", as_of=second).assign(customer_id="bob"),
            shopping("soap@70 rice@5 wine@5 beer@2 -> caviar").assign(customer_id="eve"),
        ],
        ignore_index=True,
    )
    _, asked, _ = past_and_asked(train, 10)
    said = [(list(row["history_items"]), list(row["label"])) for _, row in asked.iterrows()]
    assert said == [
        (["tea"], ["salt"]),
        (["soap"], ["rice", "wine"]),
        (["soap", "rice", "wine"], ["beer"]),
        (["soap", "rice", "wine", "beer"], ["caviar"]),
    ]
    assert list(asked["event_timestamp"].diff().dt.days)[1:] == [25, 3, 2]
    _, told, _ = past_and_asked(train.assign(age=[1.0, 2.0, 3.0]), 10)
    assert [list(label) for label in told["label"]] == [["salt"], ["caviar"]]


def test_simple_models_take_settings_of_their_own_and_unknown_ones_are_refused(tmp_path):
    model = build("two_stage", FEW | {"retrievers": {"item_to_item": {"half_life_days": 2.0}}})
    model.fit(by_weekend(60, seed=0), by_weekend(20, seed=1))
    model.save(tmp_path)
    again = TwoStage.load(tmp_path)
    assert [each.config for each in again.retrieval.members] == [
        each.config for each in model.retrieval.members
    ]
    assert again.retrieval.members[1].config.half_life_days == 2.0
    with pytest.raises(ConfigError, match="no simple model is named"):
        build("two_stage", {"retrievers": {"crystal_ball": {}}})


def test_a_ranker_that_does_not_help_is_left_out():
    train = shopping(*["bread@9 bread@2 tea@30 -> bread"] * 60)
    model = build("two_stage", FEW)
    model.fit(train, train)
    assert model.trees is None
    assert best(model.recommend, "bread@9 bread@2 tea@30", k=2) == [["bread", "tea"]]


def test_trees_that_cannot_be_read_are_refused(ranked, tmp_path):
    ranked.save(tmp_path)
    (tmp_path / "trees.txt").write_text("no trees", encoding="utf-8")
    with pytest.raises(ModelError, match="no readable trees"):
        TwoStage.load(tmp_path)


def test_trees_that_are_gone_are_missed_and_not_done_without(ranked, tmp_path):
    ranked.save(tmp_path)
    (tmp_path / "trees.txt").unlink()
    with pytest.raises(ModelError, match="no readable trees"):
        TwoStage.load(tmp_path)


def test_what_was_bought_before_can_be_left_out():
    model = build("two_stage", FEW | {"exclude_seen": True})
    model.fit(by_weekend(60, seed=0), by_weekend(20, seed=1))
    assert "item-03" not in best(model.recommend, "item-03@3", k=20)[0]
