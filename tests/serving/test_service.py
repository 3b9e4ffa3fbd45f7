"""One real server, asked over HTTP; nothing here changes what it serves."""

import json
import re
import socket
from typing import Any

import httpx
import pytest

from attune import columns as c
from attune.adapters.feast import FeastStore
from attune.data.tables import read_table
from attune.registry import Registry
from serving.client import AttuneClient, RefusedError
from serving.examples import example
from serving.prediction_log import PredictionRecord, read_predictions
from serving.schemas import Answer, ProblemDocument
from serving.server import RunningServer
from tests.serving.conftest import NOW, Shop

STRANGER = "a-stranger-from-elsewhere"


def logged(shop: Shop, answer: Answer) -> PredictionRecord:
    """What the log says about an answer that has just arrived."""
    records = read_predictions(shop.workspace.predictions)
    return next(record for record in records if record.prediction_id == answer.prediction_id)


def refusal(client: AttuneClient, customer: str) -> ProblemDocument:
    with pytest.raises(RefusedError) as refused:
        client.churn(customer)
    return refused.value.problem


def test_a_churn_probability_is_the_champions_own(shop, client):
    answer = client.churn(shop.loyal)
    registry = Registry(shop.workspace)
    champion = registry.champion("churn")
    assert champion is not None
    (row,) = FeastStore(shop.workspace).online("churn_v1", [shop.pseudonym(shop.loyal)], NOW)
    wanted = registry.load(champion).score(example(row.values, NOW))[0]
    assert answer.probability == pytest.approx(wanted, abs=1e-12)
    assert (answer.model, answer.model_version, answer.feature_service) == ("churn", 1, "churn_v1")
    assert (answer.as_of, answer.degraded) == (NOW, [])


def test_recommendations_are_distinct_items_best_first(client, shop):
    answer = client.recommend(shop.loyal, k=7)
    ids = [item.item_id for item in answer.items]
    scores = [item.score for item in answer.items]
    assert len(set(ids)) == 7
    assert scores == sorted(scores, reverse=True)
    assert (answer.as_of, answer.degraded) == (NOW, [])


def test_recommendations_can_be_limited_to_departments(client, shop):
    items = read_table(shop.workspace.tables, "items").set_index(c.ITEM_ID)[c.DEPARTMENT]
    answer = client.recommend(shop.loyal, k=3, departments=["MEAT", "DELI"])
    assert {items[item.item_id] for item in answer.items} <= {"MEAT", "DELI"}
    assert len(answer.items) == 3


def test_a_department_that_there_is_not_is_refused(client, shop):
    with pytest.raises(RefusedError) as refused:
        client.recommend(shop.loyal, departments=["MEAT", "SPACESHIPS"])
    problem = refused.value.problem
    assert problem.status == 422
    assert problem.errors is not None
    assert problem.errors[0].location == ["departments", 1]
    assert "SPACESHIPS" not in problem.model_dump_json()
    assert "MEAT" in client.models().departments


def test_who_did_not_agree_is_recommended_what_is_popular(client, shop):
    without = client.recommend(shop.refusing_recommend, k=5)
    stranger = client.recommend(STRANGER, k=5)
    assert (without.degraded, without.as_of) == (["no_consent"], None)
    assert (stranger.degraded, stranger.as_of) == (["unknown_customer"], None)
    assert without.items == stranger.items
    assert logged(shop, without).customer is None
    assert logged(shop, stranger).customer is None


def test_who_did_not_agree_is_not_scored(client, shop):
    problem = refusal(client, shop.refusing_churn)
    assert (problem.status, problem.type) == (403, "urn:attune:problem:no-consent")


def test_who_is_not_known_is_not_scored(client):
    problem = refusal(client, STRANGER)
    assert (problem.status, problem.type) == (404, "urn:attune:problem:unknown-customer")


def test_each_answer_is_in_the_log_under_a_pseudonym(client, shop):
    score, items = client.churn(shop.loyal), client.recommend(shop.loyal, k=2)
    assert logged(shop, score).probability == score.probability
    assert logged(shop, score).customer == shop.pseudonym(shop.loyal)
    assert logged(shop, items).items == [item.item_id for item in items.items]
    assert logged(shop, items).scores == [item.score for item in items.items]


def test_raw_ids_are_neither_logged_nor_answered(server, client, shop):
    answer = client.churn(shop.loyal)
    refusal(client, STRANGER)
    text = server.log.read_text(encoding="utf-8") + answer.model_dump_json()
    text += "".join(file.read_text(encoding="utf-8") for file in shop.workspace.predictions.rglob("*.jsonl"))
    for raw in (shop.loyal, shop.refusing_churn, STRANGER):
        assert not re.search(rf"\b{raw}\b", text)


def test_models_says_what_serves(client):
    status = {model.name: model for model in client.models().models}
    assert status["churn"].champion == 1
    assert status["recommend"].feature_service == "recommend_v1"
    assert all(model.refused is None and model.reason is None for model in status.values())


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/models", "/openapi.json", "/metrics"])
def test_pages_answer(server, path):
    assert httpx.get(server.url + path).status_code == 200


def test_only_our_own_paths_exist(server):
    for path in ("/", "/docs.json", "/schema.json", "/healthz", "/static_content/index.html", "/v1/churn/"):
        response = httpx.get(server.url + path)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


def test_metrics_count_answers_and_know_only_our_routes(server, client, shop):
    client.recommend(STRANGER)
    httpx.get(f"{server.url}/a-path-that-somebody-invented")
    text = httpx.get(f"{server.url}/metrics").text
    assert re.search(r'attune_requests_total{.*route="/v1/recommend".*} [1-9]', text)
    assert 'reason="unknown_customer"' in text
    assert "invented" not in text


BAD_BODIES: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b'{"customer_id": NaN}', 400),
    (b'{"customer_id": "c", "k": 1e999}', 400),
    (b'{"customer_id": "c", "k": Infinity}', 400),
    (b"\xff\xfe", 400),
    (b"[" * 5000, 400),
    (b"{}", 422),
    (b"null", 422),
    (b"[1, 2]", 422),
    (b'{"customer_id": 17}', 422),
    (b'{"customer_id": ["c"]}', 422),
    (b'{"customer_id": ""}', 422),
    (b'{"customer_id": "' + b"c" * 129 + b'"}', 422),
    (b'{"customer_id": "c", "k": "10"}', 422),
    (b'{"customer_id": "c", "k": 0}', 422),
    (b'{"customer_id": "c", "k": 101}', 422),
    (b'{"customer_id": "c", "k": 1.5}', 422),
    (b'{"customer_id": "c", "k": true}', 422),
    (b'{"customer_id": "c", "k": 99999999999999999999999999}', 422),
    (b'{"customer_id": "c", "departments": []}', 422),
    (b'{"customer_id": "c", "departments": "MEAT"}', 422),
    (b'{"customer_id": "c", "departments": [1]}', 422),
    (b'{"customer_id": "c", "color": "red"}', 422),
    (b'{"customer_id": "' + b"c" * (1 << 20) + b'"}', 413),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_bad_bodies_are_refused_in_words(server, body, status):
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{server.url}/v1/recommend", content=body, headers=headers)
    problem = ProblemDocument.model_validate_json(response.content)
    assert (response.status_code, problem.status) == (status, status)
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "media_type", "status"),
    [
        ("POST", "/v1/churn", "text/plain", 415),
        ("POST", "/v1/churn", "application/vnd.bentoml+pickle", 415),
        ("POST", "/v1/churn", "multipart/form-data", 415),
        ("GET", "/v1/churn", "application/json", 405),
        ("DELETE", "/v1/models", "application/json", 405),
        ("POST", "/v1/nothing", "application/json", 404),
    ],
)
def test_wrong_ways_to_ask_are_refused_in_words(server, method, path, media_type, status):
    response = httpx.request(method, server.url + path, content=b"{}", headers={"content-type": media_type})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert ProblemDocument.model_validate_json(response.content).status == status


def test_slow_callers_take_nobodys_place(server, client, shop):
    address = ("127.0.0.1", httpx.URL(server.url).port or 0)
    head = (
        b"POST /v1/churn HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
    )
    slow = [socket.create_connection(address) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(head)
        assert all(client.churn(shop.loyal).degraded == [] for _ in range(10))
    finally:
        for connection in slow:
            connection.close()


def test_openapi_describes_every_route_and_refusal(server):
    document: dict[str, Any] = json.loads(httpx.get(f"{server.url}/openapi.json").text)
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/v1/recommend",
        "/v1/recommend/batch",
        "/v1/recommend/similar",
        "/v1/churn",
        "/v1/churn/batch",
        "/v1/response",
        "/v1/events",
        "/v1/feedback",
        "/v1/predictions/{prediction_id}/explanation",
        "/v1/models",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi.json",
    }
    churn = document["paths"]["/v1/churn"]["post"]
    wanted = {"200", "400", "401", "403", "404", "408", "413", "415", "422", "429", "500", "503"}
    assert set(churn["responses"]) == wanted
    known = document["components"]["schemas"]
    named = re.findall(r"#/components/schemas/(\w+)", json.dumps(document))
    assert set(named) <= set(known)


def test_a_started_server_listens_on_this_machine_alone(server: RunningServer):
    assert httpx.URL(server.url).host == "127.0.0.1"
    assert server.pid > 0
