"""Every kind of question, asked of one real server."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from attune import columns as c
from attune.data.tables import read_table
from serving.feedback import read_feedback
from tests.serving.conftest import NOW

STRANGER = "a-stranger-from-elsewhere"


@pytest.fixture
def ask(server):
    def asked(path: str, **question: Any) -> httpx.Response:
        return httpx.post(f"{server.url}/v1/{path}", json=question, timeout=20)

    return asked


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [item["item_id"] for item in response.json()["items"]]


def test_a_visitor_is_recommended_from_what_they_show(ask):
    bought = [{"item_id": "item 7"}] * 3 + [{"item_id": "item 3", "at": "2017-10-07T10:00:00Z"}]
    response = ask("recommend", history=bought, k=5)
    assert ids(response)[0] == "item 7"
    assert (response.json()["degraded"], response.json()["as_of"]) == ([], None)


def test_a_visitor_who_shows_nothing_is_recommended_what_is_popular(ask):
    assert ids(ask("recommend", history=[], k=4)) == ids(ask("recommend", customer_id=STRANGER, k=4))


@pytest.mark.parametrize("who", [{}, {"customer_id": "a", "history": []}])
def test_somebody_has_to_be_named_in_one_way(ask, who):
    assert ask("recommend", **who).status_code == 422


def test_what_is_excluded_is_replaced_by_the_next_best(ask, shop):
    best = ids(ask("recommend", customer_id=shop.loyal, k=6))
    assert ids(ask("recommend", customer_id=shop.loyal, k=4, exclude_items=best[:2])) == best[2:]


def test_what_was_bought_can_be_left_out(ask):
    bought = [{"item_id": "item 7"}, {"item_id": "item 3"}]
    assert not {"item 7", "item 3"} & set(ids(ask("recommend", history=bought, k=20, exclude_bought=True)))


def test_a_department_can_be_limited_and_variety_asked_for(ask, shop):
    items = read_table(shop.workspace.tables, "items").set_index(c.ITEM_ID)
    found = ids(ask("recommend", customer_id=shop.loyal, k=6, most_per_department=1))
    assert len({items.loc[item, c.DEPARTMENT] for item in found}) == len(found)
    varied = ids(ask("recommend", customer_id=shop.loyal, k=3, diversity=1.0))
    assert len({items.loc[item, c.DEPARTMENT] for item in varied}) == 3


def test_prices_that_nobody_gave_are_refused(ask, shop):
    response = ask("recommend", customer_id=shop.loyal, max_price=3.0)
    assert (response.status_code, response.json()["type"]) == (422, "urn:attune:problem:no-assortment")


def test_each_item_says_which_purchases_it_rests_on(ask):
    bought = [{"item_id": "item 7"}, {"item_id": "item 3"}]
    response = ask("recommend", history=bought, k=2, explain=True)
    because = {item["item_id"]: item["because"] for item in response.json()["items"]}
    assert because["item 7"][0]["name"] == "item 7"
    assert because["item 7"][0]["contribution"] > 0


def test_similar_items_are_others(ask):
    assert "item 7" not in ids(ask("recommend/similar", item_id="item 7", k=5))
    assert ask("recommend/similar", item_id="nothing", k=5).status_code == 404


def test_a_score_says_what_its_features_add(ask, shop):
    explained = ask("churn", customer_id=shop.loyal, explain=True).json()
    added = [abs(each["contribution"]) for each in explained["explanation"]]
    assert added == sorted(added, reverse=True)
    assert 0 < len(added) <= 10


def test_a_batch_answers_each_as_if_it_came_alone(ask, shop):
    alone = ask("churn", customer_id=shop.loyal).json()["probability"]
    batch = [{"customer_id": shop.loyal}, {"customer_id": STRANGER}]
    first, second = ask("churn/batch", requests=batch).json()["results"]
    assert first["answer"]["probability"] == alone
    assert (second["answer"], second["problem"]["status"]) == (None, 404)
    found = ask("recommend/batch", requests=[{"history": [], "k": 1}] * 3).json()["results"]
    assert [len(each["answer"]["items"]) for each in found] == [1, 1, 1]


def test_without_a_model_of_responses_none_is_guessed(ask, shop):
    response = ask("response", customer_id=shop.loyal, channels=["mail"], hours=[9, 18])
    assert (response.status_code, response.json()["type"]) == (503, "urn:attune:problem:no-champion")
    assert response.headers["retry-after"] == "5"


def event(shop, **changes: Any) -> dict[str, Any]:
    moment = (NOW - timedelta(minutes=1)).isoformat()
    line = {"customer_id": shop.second, "item_id": "item 11", "order_id": "an order of today"}
    return line | {"event_timestamp": moment, "quantity": 1.0, "amount": 2.5} | changes


def test_an_event_counts_in_the_next_answer_and_once(ask, shop):
    before = ask("recommend", customer_id=shop.second, k=30, departments=None).json()["items"]
    first = ask("events", events=[event(shop, order_id=f"order {number}") for number in range(5)])
    assert first.json() == {"accepted": 5, "known": 0, "refused": []}
    after = ask("recommend", customer_id=shop.second, k=30).json()["items"]
    scores = [{item["item_id"]: item["score"] for item in items}["item 11"] for items in (before, after)]
    assert scores[1] > scores[0]
    assert ask("events", events=[event(shop, order_id="order 0")]).json()["known"] == 1


def test_an_event_that_does_not_hold_is_refused_by_itself(ask, shop):
    wrong = event(shop, item_id="nothing that is sold", order_id="another")
    tomorrow = event(shop, event_timestamp=(NOW + timedelta(days=1)).isoformat(), order_id="a third")
    answer = ask("events", events=[wrong, tomorrow]).json()
    assert answer["accepted"] == 0
    assert [each["place"] for each in answer["refused"]] == [0, 1]


def test_feedback_is_kept_under_the_id_of_the_answer(ask, shop):
    given = ask("recommend", customer_id=shop.loyal, k=1).json()
    item = given["items"][0]["item_id"]
    told = ask("feedback", prediction_id=given["prediction_id"], kind="clicked", item_id=item)
    assert told.status_code == 200
    (kept,) = [
        each
        for each in read_feedback(shop.workspace.predictions)
        if each.prediction_id == given["prediction_id"]
    ]
    assert (kept.kind, kept.item_id, kept.at) == ("clicked", item, NOW)


def test_an_answer_can_be_explained_later(server, ask, shop):
    given = ask("churn", customer_id=shop.loyal, explain=True).json()
    path = f"{server.url}/v1/predictions/{given['prediction_id']}/explanation"
    assert httpx.get(path).json()["contributions"] == given["explanation"]
    assert httpx.post(path).status_code == 405
    assert httpx.get(f"{server.url}/v1/predictions/{'0' * 32}/explanation").status_code == 404
    assert httpx.get(f"{server.url}/v1/predictions/..%2f/explanation").status_code == 404
