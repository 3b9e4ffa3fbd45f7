"""Each option of a next-item network against a rule that only it can know."""

import numpy as np
import pandas as pd
import pytest

from attune.errors import ModelError
from attune.inference.graphs import open_model, write_graphs
from attune.models.catalog import build
from attune.models.transformer import Transformer
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.shopping import best, shopping

SMALL = {"dimension": 16, "min_count": 1, "dropout": 0}
GOODS = ["bread", "milk", "rice", "tea", "salt", "oil"]


def trained(
    train: pd.DataFrame,
    epochs: int,
    items: pd.DataFrame | None = None,
    *,
    rate: float = 0.02,
    **config: object,
):
    network = build("transformer", SMALL | config)
    if items is not None:
        network.read_items(items)
    settings = LoopSettings(epochs=epochs, batch_size=32, learning_rate=rate, patience=epochs)
    train_network(network, train, train.iloc[::5], settings)
    return network


def hits(network, examples: pd.DataFrame) -> float:
    found, _ = network.recommend(examples, k=1)
    return float(np.mean([row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]))


def refills(rows: int, seed: int) -> pd.DataFrame:
    """Of three purchases, the one of a month ago comes again."""
    draw = np.random.default_rng(seed)
    other_days = [*range(1, 18), *range(48, 90)]
    sentences = []
    for _ in range(rows):
        bought = list(
            zip(draw.permutation(GOODS), [30, *draw.choice(other_days, 2, replace=False)], strict=False)
        )
        words = [f"{item}@{days}" for item, days in sorted(bought, key=lambda pair: -pair[1])]
        sentences.append(f"{' '.join(words)} -> {bought[0][0]}")
    return shopping(*sentences)


def test_only_who_knows_times_learns_what_is_bought_again_after_a_month():
    train, asked = refills(900, seed=0), refills(100, seed=1)
    assert hits(trained(train, epochs=16, rate=0.01, times=True, blocks=1), asked) > 0.85
    assert hits(trained(train, epochs=16, rate=0.01, blocks=1), asked) < 0.7


def test_the_moment_of_the_question_counts_also_where_nothing_was_bought_since():
    train = shopping(
        *(f"bread@{days} -> {'milk' if days < 10 else 'tea'}" for days in range(1, 20)), *["milk@1 -> tea"]
    )
    train = pd.concat([train] * 8, ignore_index=True)
    network = trained(train, epochs=8, times=True)
    assert best(network.recommend, "bread@2", "bread@18", k=1) == [["milk"], ["tea"]]


@pytest.mark.parametrize(
    ("positions", "wanted"),
    [("distance", ["tea", "milk"]), ("absolute", ["tea", "milk"]), ("none", ["tea", "tea"])],
)
def test_only_who_knows_positions_counts_how_often_bread_was_bought(positions, wanted):
    train = shopping(*["bread@2 -> tea"] * 150, *["bread@3 bread@2 -> milk"] * 100)
    network = trained(train, epochs=8, positions=positions)
    examples = shopping("bread@2", "bread@3 bread@2")
    found, _ = network.recommend(examples, 1, frozenset({"tea", "milk"}))
    assert found[:, 0].tolist() == wanted


KINDS = {"bread": ["rye", "bun", "roll", "toast"], "tea": ["green", "black", "mint", "white"]}
NEW = {"bread": "baguette", "tea": "oolong"}
ITEM_TABLE = pd.DataFrame(
    [
        {"item_id": item, "category": kind, "price": 2.0 if kind == "bread" else 5.0}
        for kind, items in KINDS.items()
        for item in (*items, NEW[kind])
    ]
)


@pytest.fixture(scope="module")
def informed() -> Transformer:
    """Trained where everybody stays with one kind, and told which kind every item is of."""
    draw = np.random.default_rng(0)
    walks = [draw.permutation(KINDS[kind]) for kind in KINDS for _ in range(60)]
    train = shopping(*(f"{a}@9 {b}@5 {c}@2 -> {d}" for a, b, c, d in walks))
    return trained(train, 8, ITEM_TABLE, side=True)


@pytest.mark.parametrize(("history", "wanted"), [("rye@3 bun@1", "baguette"), ("mint@3 white@1", "oolong")])
def test_an_item_that_nobody_took_yet_is_recommended_by_its_features(informed, history, wanted):
    found, scores = informed.recommend(shopping(history), 1, frozenset(NEW.values()))
    assert found.tolist() == [[wanted]]
    assert np.isfinite(scores).all()
    assert wanted in best(informed.recommend, history, k=5)[0]


def test_features_travel_with_the_model_and_its_graph(informed, tmp_path):
    informed.save(tmp_path)
    write_graphs("transformer", informed, tmp_path)
    examples = shopping("rye@3 bun@1", "oolong@2", "")
    wanted = informed.recommend(examples, 10)
    for found in (
        Transformer.load(tmp_path).recommend(examples, 10),
        open_model("transformer", tmp_path).recommend(examples, 10),
    ):
        assert (found[0] == wanted[0]).all()
        np.testing.assert_allclose(found[1], wanted[1], rtol=0, atol=1e-4)


def test_the_sampled_loss_learns_from_features_too():
    walks = [np.random.default_rng(seed).permutation(KINDS[kind]) for seed in range(60) for kind in KINDS]
    train = shopping(*(f"{a}@9 {b}@5 {c}@2 -> {d}" for a, b, c, d in walks))
    network = trained(train, 8, ITEM_TABLE, side=True, negatives=4)
    assert network.recommend(shopping("rye@3 bun@1"), 1, frozenset(NEW.values()))[0] == "baguette"


def test_features_without_a_table_of_items_are_refused():
    with pytest.raises(ModelError, match="there is no table of them; give one to read_items"):
        trained(shopping("bread@9 -> milk"), 1, side=True)
