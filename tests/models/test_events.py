import numpy as np
import pandas as pd
import pytest
import torch

from attune.errors import ModelError
from attune.models.churn_network import ChurnNetwork
from attune.models.events import OrderSequence, recent_orders
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import churn_examples

DAY = 86_400
AS_OF = pd.Timestamp("2017-06-04", tz="UTC")


def examples(*histories: list[float] | None) -> pd.DataFrame:
    """Customers with orders so many days ago."""
    now = int(AS_OF.timestamp())
    lists = [None if ago is None else [now - int(days * DAY) for days in ago] for ago in histories]
    return pd.DataFrame({"event_timestamp": AS_OF, "history_times": pd.Series(lists, dtype=object)})


def test_orders_stand_at_the_right_with_their_age_their_pause_and_their_lines():
    facts_NLE = np.expm1(recent_orders(examples([10, 3, 3, 1]), length=4))
    np.testing.assert_allclose(facts_NLE[0, :, 1:], [[0, 0, 0], [10, 0, 1], [3, 7, 2], [1, 2, 1]], atol=1e-9)


def test_older_orders_are_forgotten_and_who_never_ordered_has_none():
    facts_NLE = recent_orders(examples([9, 8, 7], [], None), length=2)
    np.testing.assert_allclose(np.expm1(facts_NLE[0, :, 1]), [8, 7])
    assert (facts_NLE[1:] == 0).all()


def test_a_network_that_learnt_from_histories_refuses_to_answer_without():
    with pytest.raises(ModelError, match="history_times"):
        recent_orders(examples([1]).drop(columns="history_times"), length=2)


@pytest.mark.parametrize("branch", ["gru", "transformer"])
def test_the_state_of_one_customer_does_not_depend_on_another(branch):
    torch.manual_seed(0)
    sequence = OrderSequence(branch, dimension=8, dropout=0.0, length=3).eval()
    events_BLE = torch.from_numpy(recent_orders(examples([9, 8, 1], [], [2]), length=3)).float()
    together = sequence(events_BLE)
    alone = torch.cat([sequence(events_BLE[[row]]) for row in range(3)])
    torch.testing.assert_close(alone, together)
    assert torch.isfinite(together).all()


@pytest.mark.parametrize("branch", ["gru", "transformer"])
def test_a_rhythm_that_no_number_tells_is_learnt_from_the_sequence(branch, tmp_path):
    def with_rhythm(seed: int) -> pd.DataFrame:
        """Who ordered twice in the last days responds; the numbers of the table say nothing."""
        draw = np.random.default_rng(seed)
        rows = churn_examples(400, seed).drop(columns=["recency_days", "orders_90d"])
        often = draw.random(400) < 0.5
        now = int(AS_OF.timestamp())
        times = [np.array([now - days * DAY for days in ((3, 1) if each else (40, 2))]) for each in often]
        return rows.assign(history_times=times, label=often.astype("int8"))

    network = ChurnNetwork(ChurnNetwork.Config(sequence=branch, members=2, width=8, dropout=0.0))
    train_network(
        network, with_rhythm(0), with_rhythm(1), LoopSettings(epochs=12, batch_size=64, learning_rate=0.02)
    )
    asked = with_rhythm(2)
    scores = network.score(asked)
    assert scores[asked["label"] == 1].min() > scores[asked["label"] == 0].max()
    network.save(tmp_path / "model")
    np.testing.assert_array_equal(ChurnNetwork.load(tmp_path / "model").score(asked), scores)
