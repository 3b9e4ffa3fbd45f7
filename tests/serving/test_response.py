"""What-if over ways to send a message, from a champion that learnt that mail is answered in the evening."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from attune import columns as c
from attune.features.online import FeatureStatus, OnlineRow
from attune.features.schema import features_of
from attune.models.catalog import build
from attune.registry import Registry
from serving.problems import Problem
from serving.schemas import ResponseRequest
from tests.origins import make_origin
from tests.presentable import make_presentable
from tests.serving.answering import Answering, answering
from tests.serving.conftest import NOW, Shop

SERVICE = "response_v1"
ROWS = 400


class Usual:
    """A store that says the same of everybody."""

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        values = {name: "unknown" if kind == "string" else 1.0 for name, kind in features_of(service).items()}
        present = dict.fromkeys(values, FeatureStatus.PRESENT)
        return [OnlineRow(key, values, dict.fromkeys(values, now), present) for key in keys]


def messages() -> pd.DataFrame:
    draw = np.random.default_rng(7)
    mail, evening = draw.random(ROWS) < 0.5, draw.random(ROWS) < 0.5
    likely = np.where(mail & evening, 0.9, 0.1)
    columns: dict[str, Any] = {
        c.EVENT_TIMESTAMP: pd.Timestamp(NOW),
        c.CHANNEL: np.where(mail, "mail", "paper"),
        c.FORMAT: "unknown",
        c.SENT_HOUR: np.where(evening, 20, 8),
        c.SENT_WEEKDAY: draw.integers(0, 7, ROWS),
        c.OFFER_DAYS: 28.0,
        c.LABEL: (draw.random(ROWS) < likely).astype("int8"),
    }
    for name, kind in features_of(SERVICE).items():
        columns[name] = "unknown" if kind == "string" else draw.gamma(2, 1, ROWS)
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def answers(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    folder = tmp_path_factory.mktemp("response")
    mine = shop.elsewhere(folder / "workspace")
    model = build("logistic_regression", {})
    model.fit(messages(), messages())  # type: ignore[union-attr]
    model.save(folder / "trained")
    (folder / "trained" / "examples.json").write_text(json.dumps({"features": dict(features_of(SERVICE))}))
    make_presentable(folder / "trained", "response", "logistic_regression")
    registry = Registry(mine.workspace)
    registry.register(folder / "trained", make_origin(NOW, name="response"))
    registry.promote("response", 1, None, "a test", "a test")
    with answering(mine, folder / "log", Usual()) as opened:
        yield opened


def agreeing(answers: Answering) -> str:
    """Somebody whose consent to be asked stands."""
    for raw in (f"customer {number}" for number in range(50)):
        try:
            answers.scores.response(ResponseRequest(customer_id=raw, channels=["mail"], hours=[8]))
        except Problem:
            continue
        return raw
    raise AssertionError("nobody agreed")


def test_every_way_to_send_is_scored_and_the_best_comes_first(answers):
    customer = agreeing(answers)
    asked = ResponseRequest(customer_id=customer, channels=["mail", "paper"], hours=[8, 20], weekdays=[0, 5])
    answer = answers.scores.response(asked)
    assert len(answer.options) == 8
    scores = [option.probability for option in answer.options]
    assert scores == sorted(scores, reverse=True)
    assert {(option.channel, option.hour) for option in answer.options[:2]} == {("mail", 20)}
    assert (answer.model, answer.feature_service, answer.degraded) == ("response", SERVICE, [])


def test_a_channel_that_nobody_knows_is_still_a_probability(answers):
    customer = agreeing(answers)
    asked = ResponseRequest(customer_id=customer, channels=["pigeon"], hours=[3])
    (option,) = answers.scores.response(asked).options
    assert 0 <= option.probability <= 1
    assert option.weekday == NOW.weekday()


def test_too_many_combinations_are_refused():
    with pytest.raises(ValueError, match="200 combinations"):
        ResponseRequest(customer_id="a", channels=list("abcdefghi"), hours=list(range(24)))
