import time

import numpy as np
import pandas as pd
import pytest
import torch

from attune.errors import ConfigError, ModelError
from attune.models.catalog import build
from attune.models.encoder import OrderEncoder
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import ITEMS, next_item_examples
from tests.models.shopping import best, shopping

SMALL = {"dimension": 16, "repeat_width": 8, "min_count": 1}


def trained(train: pd.DataFrame, epochs: int = 1, **config: object):
    network = build("sequential", SMALL | config)
    settings = LoopSettings(epochs=epochs, batch_size=64, learning_rate=0.02, patience=epochs)
    train_network(network, train, train.iloc[:80], settings)
    return network


@pytest.fixture(scope="module")
def follower():
    """Trained where each item is followed by the next one of the list."""
    return trained(next_item_examples(1_500, seed=0), epochs=8)


def test_the_planted_rule_of_what_follows_is_learned(follower):
    examples = next_item_examples(300, seed=9)
    found, _ = follower.recommend(examples, k=1)
    hits = [row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]
    assert np.mean(hits) > 0.9


def test_who_repeats_is_recommended_what_they_repeat():
    loyal = [f"item{n}@21 item{n}@14 item{n}@7 other@3 -> item{n}" for n in range(12)]
    network = trained(shopping(*loyal * 20), epochs=6)
    assert best(network.recommend, *loyal[:3], k=1) == [["item0"], ["item1"], ["item2"]]


@pytest.mark.parametrize(
    "history",
    ["", "caviar@3", "item-03@1", "item-03@5 item-03@5", "item-03@1 item-07@400", "item-03@-2"],
)
def test_any_history_gets_a_full_list_of_finite_scores(follower, history):
    found, scores = follower.recommend(shopping(history), k=5)
    assert set(found[0]) <= set(ITEMS)
    assert np.isfinite(scores).all()


def test_the_lists_of_an_example_do_not_depend_on_its_neighbours(follower):
    examples = next_item_examples(40, seed=9)
    _, together = follower.recommend(examples, k=5)
    alone = np.concatenate([follower.recommend(examples.iloc[[row]], k=5)[1] for row in range(40)])
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-4)


def test_only_the_latest_orders_are_encoded():
    old, new = "item-01@90 ", "item-05@9 item-06@2"
    encoder = trained(next_item_examples(200, seed=0), orders=2)
    batches = [
        encoder._cut(encoder.encode(shopping(history), with_labels=False), torch.arange(1))
        for history in (new, old + new)
    ]
    torch.testing.assert_close(batches[0]["code"], batches[1]["code"])


def test_padding_changes_nothing():
    torch.manual_seed(0)
    encoder, items = OrderEncoder(8, 2, 2, 0.0).eval(), torch.randn(5, 8)
    one = {
        "context": torch.ones(1, 6),
        "order_count": torch.tensor([2]),
        "order_size": torch.tensor([2, 1]),
        "order_age": torch.tensor([9.0, 2.0]),
        "code": torch.tensor([0, 1, 2]),
    }
    two = {
        "context": torch.ones(2, 6),
        "order_count": torch.tensor([2, 4]),
        "order_size": torch.tensor([2, 1, 1, 1, 1, 1]),
        "order_age": torch.tensor([9.0, 2.0, 8.0, 7.0, 6.0, 5.0]),
        "code": torch.tensor([0, 1, 2, 3, 3, 4, 4]),
    }
    torch.testing.assert_close(encoder(one, items, 1.0)[0], encoder(two, items, 1.0)[0])


def test_a_shop_with_one_item_and_one_purchase_a_customer_is_learned():
    network = trained(shopping(*["bread@9 -> bread"] * 80))
    assert best(network.recommend, "", "bread@3", k=3) == [["bread"], ["bread"]]


def test_a_label_outside_the_catalogue_teaches_nothing_and_breaks_nothing():
    rows = ["bread@9 bread@3 -> bread", "bread@5 bread@2 -> caviar"]
    network = trained(shopping(*rows * 40), min_count=41)
    assert best(network.recommend, "bread@9", k=2) == [["bread"]]


def test_what_was_bought_before_can_be_left_out():
    network = trained(next_item_examples(200, seed=0), exclude_seen=True)
    assert "item-03" not in best(network.recommend, "item-03@3", k=30)[0]


def test_too_rare_items_are_refused():
    with pytest.raises(ModelError, match="none of 1 items was bought 50 times"):
        trained(shopping("bread@9 -> bread"), min_count=50)


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="3 heads cannot share 64 dimensions"):
        build("sequential", {"heads": 3})


def test_one_customer_is_answered_within_milliseconds_of_one_core(follower):
    example, threads = next_item_examples(1, seed=9), torch.get_num_threads()
    torch.set_num_threads(1)
    follower.recommend(example, k=10)
    started = time.thread_time()
    for _ in range(20):
        follower.recommend(example, k=10)
    took = (time.thread_time() - started) / 20
    torch.set_num_threads(threads)
    assert took < 0.03  # 3 ms on a quiet core
