import numpy as np
import pytest

from attune.errors import ModelError
from attune.models.catalog import build
from attune.models.history_attribution import because
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import next_item_examples
from tests.models.shopping import shopping

WALK = ["item-11", "item-12", "item-03", "item-04"]


@pytest.fixture(scope="module")
def follower():
    """Trained where each item is followed by the next one of the list."""
    network = build("transformer", {"dimension": 16, "min_count": 1, "dropout": 0})
    train = next_item_examples(200, seed=0)
    train_network(network, train, train.iloc[:40], LoopSettings(epochs=8, batch_size=32, learning_rate=0.02))
    return network


def walked(*items: str) -> str:
    return " ".join(f"{item}@{ago}" for ago, item in zip(range(len(items), 0, -1), items, strict=True))


def score_of(network, history: str, item: str) -> float:
    found, scores = network.recommend(shopping(history), k=30)
    return float(scores[0, list(found[0]).index(item)])


def test_what_was_bought_last_moved_the_score_of_what_follows_it(follower):
    (added,) = because(follower, shopping(walked(*WALK)), ["item-05"])
    assert set(added) == set(WALK)
    assert next(iter(added)) == "item-04"


def test_removing_the_item_that_moved_a_score_most_lowers_it_most(follower):
    (added,) = because(follower, shopping(walked(*WALK)), ["item-05"])
    whole = score_of(follower, walked(*WALK), "item-05")
    lost = [whole - score_of(follower, walked(*(x for x in WALK if x != item)), "item-05") for item in added]
    assert np.argmax(lost) == 0
    assert lost[0] > 0


def test_an_empty_history_and_unknown_items_moved_nothing(follower):
    assert because(follower, shopping("", "caviar@3"), ["item-05", "item-05"]) == [{}, {}]


def test_what_was_bought_twice_is_named_once(follower):
    (added,) = because(follower, shopping("item-03@9 item-04@5 item-03@2"), ["item-04"])
    assert sorted(added) == ["item-03", "item-04"]


def test_an_item_outside_the_catalogue_cannot_be_explained(follower):
    with pytest.raises(ModelError, match=r"\['caviar'\] are not in the catalogue"):
        because(follower, shopping("item-03@9"), ["caviar"])
