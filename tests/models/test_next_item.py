import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from attune.errors import ConfigError, ModelError
from attune.models.catalog import build
from attune.models.causal_encoder import causal_attention
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import ITEMS, next_item_examples
from tests.models.shopping import best, shopping

SMALL = {"dimension": 16, "min_count": 1}
NETWORKS = ("transformer", "gru4rec")


def trained(name: str, train: pd.DataFrame, epochs: int = 1, **config: object):
    network = build(name, SMALL | config)
    settings = LoopSettings(epochs=epochs, batch_size=32, learning_rate=0.02, patience=epochs)
    train_network(network, train, train.iloc[:40], settings)
    return network


@pytest.fixture(scope="module", params=NETWORKS)
def follower(request):
    """Trained where each item is followed by the next one of the list."""
    return trained(request.param, next_item_examples(300, seed=0), epochs=8, dropout=0)


def test_the_planted_rule_of_what_follows_is_learned(follower):
    examples = next_item_examples(100, seed=9)
    found, _ = follower.recommend(examples, k=1)
    hits = [row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]
    assert np.mean(hits) > 0.9


def test_the_sampled_loss_learns_the_rule_too():
    network = trained("transformer", next_item_examples(300, seed=0), epochs=8, dropout=0, negatives=8)
    examples = next_item_examples(100, seed=9)
    found, _ = network.recommend(examples, k=1)
    hits = [row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]
    assert np.mean(hits) > 0.9


def test_bfloat16_learns_the_rule_too():
    network = build("transformer", SMALL | {"dropout": 0})
    train = next_item_examples(200, seed=0)
    settings = LoopSettings(epochs=6, batch_size=32, learning_rate=0.02, precision="bfloat16")
    train_network(network, train, train.iloc[:40], settings)
    examples = next_item_examples(100, seed=9)
    found, _ = network.recommend(examples, k=1)
    assert np.mean([row[0] == label[0] for row, label in zip(found, examples["label"], strict=True)]) > 0.9


@pytest.mark.parametrize(
    "history",
    ["", "caviar@3", "item-03@1", "item-03@5 item-03@5", "item-07@400 item-03@1", "item-03@1 item-07@9"],
)
def test_any_history_gets_a_full_list_of_finite_scores(follower, history):
    found, scores = follower.recommend(shopping(history), k=5)
    assert set(found[0]) <= set(ITEMS)
    assert np.isfinite(scores).all()


def test_a_history_out_of_order_counts_as_the_same_in_order(follower):
    np.testing.assert_array_equal(
        follower.recommend(shopping("item-05@1 item-04@8"), k=5)[1],
        follower.recommend(shopping("item-04@8 item-05@1"), k=5)[1],
    )


def test_who_has_no_history_is_shown_what_is_popular():
    network = trained("transformer", shopping(*["bread@9 -> milk"] * 3, *["tea@9 -> bread"] * 30))
    assert best(network.recommend, "", k=1) == [["bread"]]


def test_the_lists_of_an_example_do_not_depend_on_its_neighbours(follower):
    examples = next_item_examples(20, seed=9)
    _, together = follower.recommend(examples, k=5)
    alone = np.concatenate([follower.recommend(examples.iloc[[row]], k=5)[1] for row in range(20)])
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-4)


def test_no_place_sees_what_follows_it(follower):
    follower.eval()
    before = torch.arange(4)[None]
    one = follower.encoder(follower.item_VD[torch.tensor([[0, 1, 2, 3]])], before)
    other = follower.encoder(follower.item_VD[torch.tensor([[0, 1, 7, 8]])], before)
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2], other[:, 2])


def test_only_the_latest_interactions_are_encoded():
    network = trained("transformer", next_item_examples(60, seed=0), length=2)
    examples = shopping("item-05@9 item-06@2", "item-05@9 item-06@2")
    network.encoder.place.weight.data.zero_()  # how much was cut off is known
    longer = shopping("item-01@90 item-05@9 item-06@2", "item-02@90 item-05@9 item-06@2")
    np.testing.assert_allclose(
        network.recommend(longer, k=5)[1], network.recommend(examples, k=5)[1], rtol=1e-5
    )


def test_a_shop_with_one_item_is_learned_and_who_bought_once_teaches_nothing():
    network = trained("transformer", shopping(*["bread@9 -> bread"] * 40, "-> bread"))
    assert best(network.recommend, "", "bread@3", k=3) == [["bread"], ["bread"]]


def test_an_item_that_is_only_asked_for_is_never_recommended_and_counts_as_missed():
    train = shopping(*["bread@9 -> milk"] * 40)
    network = build("transformer", SMALL)
    settings = LoopSettings(epochs=1, batch_size=32)
    result = train_network(network, train, shopping(*["bread@9 -> caviar"] * 4), settings)
    assert result.best_validation_loss == 1
    assert best(network.recommend, "bread@9", k=5) == [["milk", "bread"]]


def test_what_was_bought_before_can_be_left_out():
    network = trained("transformer", next_item_examples(60, seed=0), exclude_seen=True)
    assert "item-03" not in best(network.recommend, "item-03@3", k=30)[0]


def test_too_rare_items_are_refused():
    with pytest.raises(ModelError, match="none of 1 items was bought 50 times"):
        trained("transformer", shopping("bread@9 -> bread"), min_count=50)


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="3 heads cannot share 64 dimensions"):
        build("transformer", {"heads": 3})


def test_the_state_of_one_place_is_that_among_all_of_them(follower):
    follower.eval()
    item_BLD = follower.item_VD[torch.tensor([[3, 1, 2], [5, 0, 0]])]
    before = torch.arange(3).expand(2, 3)
    every = follower.encoder(item_BLD, before)
    one = follower.encoder(item_BLD, before, torch.tensor([2, 0]))
    torch.testing.assert_close(one[:, 0], torch.stack([every[0, 2], every[1, 0]]))


def test_attention_in_parts_is_attention_as_a_whole():
    torch.manual_seed(0)
    query_key_value, length = torch.randn(3, 2, 2, 150, 8), 150
    follows = torch.ones(length, length, dtype=torch.bool).triu(1)
    bias = torch.randn(2, length, length).masked_fill(follows, -torch.inf)
    wanted = functional.scaled_dot_product_attention(*query_key_value, attn_mask=bias)
    torch.testing.assert_close(causal_attention(query_key_value, bias), wanted)
