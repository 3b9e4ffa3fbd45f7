from collections.abc import Sequence
from datetime import datetime

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.features.online import OnlineRow
from attune.features.read_plan import OnlineReader
from serving.prediction_log import read_predictions
from serving.problems import Problem
from serving.schemas import RecommendAnswer, RecommendRequest
from tests.serving.answering import Answering, answering
from tests.serving.conftest import Shop


class Counted:
    """The shop's own store, and how many customers each read was about."""

    def __init__(self, shop: Shop) -> None:
        self._reader = OnlineReader(open_rows(shop.workspace.feast / ONLINE_FILE))
        self.reads: list[int] = []

    def online(self, service: str, keys: Sequence[str], now: datetime) -> list[OnlineRow]:
        self.reads.append(len(keys))
        return self._reader.online(service, keys, now)


def told(found: RecommendAnswer | Problem) -> object:
    if isinstance(found, Problem):
        return found.name
    return found.degraded, [(item.item_id, round(item.score, 4)) for item in found.items]


def alone(answers: Answering, question: RecommendRequest) -> object:
    try:
        return told(answers.recommendations.recommend(question))
    except Problem as problem:
        return told(problem)


def questions(shop: Shop) -> list[RecommendRequest]:
    item = {"item_id": "item 1"}
    return [
        RecommendRequest(customer_id=shop.loyal, k=3),
        RecommendRequest(customer_id=shop.second, k=5, departments=["no such"]),
        RecommendRequest(history=[item], k=4),
        RecommendRequest(customer_id="nobody", k=2),
        RecommendRequest(customer_id=shop.second, k=5, exclude_bought=True),
        RecommendRequest(customer_id=shop.refusing_recommend, k=3),
        RecommendRequest(customer_id=shop.loyal, k=3, boosts={"no such": 1.0}),
        RecommendRequest(customer_id=shop.loyal, k=3, diversity=0.5, explain=True),
        RecommendRequest(customer_id=shop.loyal, k=1),
    ]


def test_everybody_is_told_what_they_would_be_told_alone_after_one_read(shop, tmp_path):
    asked, store = questions(shop), Counted(shop)
    with answering(shop, tmp_path / "log", features=store) as answers:
        together = answers.recommendations.recommend_all(asked)
        logged = list(read_predictions(tmp_path / "log"))
        reads = list(store.reads)
        each = [alone(answers, question) for question in asked]
    assert [told(found) for found in together] == each
    assert reads == [4]  # of the customers who are known and agreed, one twice more
    answered = [found for found in together if isinstance(found, RecommendAnswer)]
    assert [record.prediction_id for record in logged] == [found.prediction_id for found in answered]
    assert [type(found) for found in together].count(Problem) == 2
