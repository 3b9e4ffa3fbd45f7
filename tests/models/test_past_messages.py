import numpy as np
import pandas as pd
import pytest

from attune.errors import ModelError
from attune.models.past_messages import PastMessages
from attune.models.response_network import ResponseNetwork
from attune.models.tabular import FeatureTable
from attune.training.loop import train_network
from attune.training.loop_settings import LoopSettings
from tests.models.examples import AS_OF, churn_examples

DAY = 86_400
NOW = int(AS_OF.timestamp())
TABLE = FeatureTable(
    numeric=(), defaults=(), categories={"channel": ("mail", "paper"), "format": ("coupon",)}
)


def row(*messages: tuple[float, str, str, int]) -> dict[str, object]:
    """Messages as (days ago, channel, format, answered)."""
    ago, channels, formats, answers = ([message[part] for message in messages] for part in range(4))
    return {
        "message_times": [NOW - int(days * DAY) for days in ago],
        "message_channels": channels,
        "message_formats": formats,
        "message_answers": answers,
    }


def test_a_message_is_told_by_its_age_its_pause_its_answer_and_its_words():
    read = PastMessages(TABLE, length=3).read([row((9, "mail", "coupon", 1), (2, "fax", "coupon", 0))], [NOW])
    assert read.shape == (1, 3, 4 + 3 + 2)
    assert (read[0, 0] == 0).all()
    np.testing.assert_allclose(np.expm1(read[0, 1:, 1:3]), [[9, 0], [2, 7]], rtol=1e-5)
    assert read[0, :, 0].tolist() == [0, 1, 1]
    assert read[0, :, 3].tolist() == [0, 1, 0]
    assert read[0, 1:, 4:].tolist() == [
        [0, 1, 0, 0, 1],
        [1, 0, 0, 0, 1],
    ]  # unknown, mail, paper; unknown, coupon


def test_older_messages_are_forgotten_and_who_was_sent_none_has_none():
    nothing = dict.fromkeys(row(), None)
    read = PastMessages(TABLE, length=1).read(
        [row((9, "mail", "coupon", 1), (2, "mail", "coupon", 0)), row(), nothing], [NOW] * 3
    )
    assert read[0, 0, 3] == 0
    assert (read[1:] == 0).all()


def test_missing_and_uneven_lists_are_refused():
    past = PastMessages(TABLE, length=2)
    with pytest.raises(ModelError, match="message_answers"):
        past.read([{"message_times": []}], [NOW])
    with pytest.raises(ModelError, match="differ in length"):
        past.read([row((1, "mail", "coupon", 1)) | {"message_answers": []}], [NOW])


def examples(rows: int, seed: int) -> pd.DataFrame:
    """Who answered the last message answers the next; nothing in the table says so."""
    draw = np.random.default_rng(seed)
    answered = draw.integers(0, 2, rows)
    lists = [row((30, "mail", "coupon", 1 - each), (9, "paper", "coupon", each)) for each in answered]
    table = churn_examples(rows, seed).assign(channel="mail", format="coupon", label=answered.astype("int8"))
    return pd.concat([table, pd.DataFrame(lists)], axis=1)


@pytest.mark.parametrize("branch", ["gru", "transformer"])
def test_a_network_learns_from_what_was_answered_before(branch):
    network = ResponseNetwork(ResponseNetwork.Config(messages=branch, members=2, width=16, dropout=0.0))
    loop = LoopSettings(epochs=8, batch_size=64, learning_rate=0.01)
    train_network(network, examples(400, 0), examples(100, 1), loop)
    assert set(network.shapes) == {"messages"}  # these examples tell nothing of orders
    asked = examples(200, 2)
    scores = network.score(asked)
    assert scores[asked["label"] == 1].mean() > scores[asked["label"] == 0].mean() + 0.5


def test_examples_without_past_messages_teach_without_the_branch():
    network = ResponseNetwork(ResponseNetwork.Config())
    network.prepare(churn_examples(50, 0))
    assert network.shapes == {}
