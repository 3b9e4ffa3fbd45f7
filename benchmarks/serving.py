"""Measure serving: beside FastAPI over the same models, and while store, callers or load misbehave.

Both servers are up at once and asked in turns, so that a busy machine is as busy for both.
"""

import json
import os
import signal
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer

from attune.adapters.feast import FeastStore
from attune.config import HOME_VARIABLE
from benchmarks.results import Result, add_results
from benchmarks.serving_load import LOST, Burst, ask, load, pour, request
from benchmarks.serving_models import Models
from benchmarks.serving_shop import COMMAND, DATA, KEY, NOW, SETTINGS, Asked, Shop, open_shop, peer
from serving.server import RunningServer, start
from serving.settings import SETTINGS_VARIABLE
from tests.redis_server import running_redis
from tests.serving.test_bad_inputs import ALLOWED, PATHS, parts

PEER = "FastAPI, uvicorn"
CLOSED_LOOP = "bursts in turns, one worker each, guards, features and log on; median"
OPEN_LOOP = "ten times as many recommendations due a second as were answered at best; callers do not wait"
REFUSED = frozenset({429, 503})
FAULT = "no_feature_store"
MODEL_CALLS = 100


def main(
    rounds: Annotated[int, typer.Option(help="bursts of each kind")] = 3,
    seconds: Annotated[float, typer.Option(help="of each burst")] = 1.0,
) -> None:
    """Measure all and write results/serving.json."""
    os.environ["ATTUNE_API_KEYS"] = KEY
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as name:
        shop = open_shop(Path(name))
        with start(shop.workspace, settings=SETTINGS) as server, peer(shop) as (port, pid):
            ours, theirs = Asked.of(server), Asked(port, pid)
            results += beside_peer(shop, ours, theirs, rounds, seconds)
            results += explained(shop, ours, rounds, seconds)
            results += beside_model(shop, ours, rounds, seconds)
            results += [*slow_clients(shop, ours), *overload(shop, ours, seconds), *bad_inputs(ours)]
            results += event_to_answer(shop, server)
        results += store_down(shop, Path(name))
    print(add_results("serving", results))


def beside_peer(shop: Shop, ours: Asked, theirs: Asked, rounds: int, seconds: float) -> list[Result]:
    """Requests a second and processor an answer, ours and the peer's, burst by burst."""
    found = []
    for name in ("churn", "recommend"):
        path = f"/v1/{name}"
        asked = {server: server.requests(path, shop.customers) for server in (ours, theirs)}
        for server, requests in asked.items():
            load(server.port, server.pid, requests, 8, seconds)  # warm
        for concurrency in (8, 32):
            pairs = [
                tuple(
                    load(server.port, server.pid, asked[server], concurrency, seconds)
                    for server in (ours, theirs)
                )
                for _ in range(rounds)
            ]
            ratios = [mine.rate / his.rate for mine, his in pairs]
            found.append(_result(f"{name}_rps_ratio_fastapi_c{concurrency}", _middle(ratios), "x", PEER))
            if concurrency == 8:
                found += _costs(name, pairs)
    return found


def _costs(name: str, pairs: list[tuple[Burst, ...]]) -> list[Result]:
    mine = _middle([burst.cpu_ms for burst, _ in pairs])
    ratio = _middle([burst.cpu_ms / his.cpu_ms for burst, his in pairs])
    slow = _middle([burst.percentile(99) * 1000 for burst, _ in pairs])
    return [
        _result(f"{name}_cpu_ms", mine, "ms an answer", None),
        _result(f"{name}_cpu_ratio_fastapi", ratio, "x", PEER),
        _result(f"{name}_p99_ms_c8", slow, "ms", None),
    ]


def explained(shop: Shop, ours: Asked, rounds: int, seconds: float) -> list[Result]:
    """What an explanation adds to a churn answer, and what uvicorn takes to answer always the same."""
    plain = ours.requests("/v1/churn", shop.customers)
    bodies = [json.dumps({"customer_id": each, "explain": True}).encode() for each in shop.customers]
    told = [request(ours.port, "/v1/churn", body, ours.key) for body in bodies]
    with peer(shop, "benchmarks.serving_bare") as (port, pid):
        floor = Asked(port, pid)
        asked = ((ours, plain), (ours, told), (floor, floor.requests("/v1/churn", shop.customers)))
        bursts = [
            [load(server.port, server.pid, requests, 8, seconds).cpu_ms for server, requests in asked]
            for _ in range(rounds)
        ]
    added = _middle([with_reasons - without for without, with_reasons, _ in bursts])
    return [
        _result("explanation_cpu_ms", added, "ms more an answer", None),
        _result("bare_uvicorn_cpu_ms", _middle([bare for *_, bare in bursts]), "ms an answer", "uvicorn"),
    ]


def beside_model(shop: Shop, ours: Asked, rounds: int, seconds: float) -> list[Result]:
    """A recommendation over HTTP beside the call of its model alone, in turns."""
    os.environ[HOME_VARIABLE] = str(shop.workspace.root.absolute())
    os.environ[SETTINGS_VARIABLE] = SETTINGS.model_dump_json()
    models = Models()
    values = [models.features("recommend_v1", "recommend", each) for each in shop.customers[:MODEL_CALLS]]
    requests = ours.requests("/v1/recommend", shop.customers)
    ratios = []
    for _ in range(rounds):
        burst = load(ours.port, ours.pid, requests, 8, seconds)
        started = time.thread_time()
        for each in values:
            models.ranked(each, 10)
        ratios.append(burst.cpu_ms / ((time.thread_time() - started) * 1000 / len(values)))
    return [_result("recommend_cpu_ratio_model", _middle(ratios), "x the model alone", None)]


def slow_clients(shop: Shop, ours: Asked) -> list[Result]:
    """Good calls beside two hundred callers that never finish a body."""
    head = request(ours.port, "/v1/churn", b" " * 99, ours.key)[:-90]
    slow = [socket.create_connection(("127.0.0.1", ours.port)) for _ in range(200)]
    for connection in slow:
        connection.sendall(head)
    good = ask(ours.port, (ours.requests("/v1/churn", shop.customers) * 3)[:300])
    for connection in slow:
        connection.close()
    return [_result("slow_clients_good_share", good.good_share, "share", None)]


def overload(shop: Shop, ours: Asked, seconds: float) -> list[Result]:
    """Good answers at ten times the load of the peak, of the peak's; how fast the others are refused.

    Callers who do not wait: ten times as many requests are due a second as were answered at best.
    """
    requests = ours.requests("/v1/recommend", shop.customers)
    peak = load(ours.port, ours.pid, requests, 32, seconds * 3).rate
    over = pour(ours.port, None, requests, 10 * peak, seconds * 5)
    share = over.rate_within(seconds * 5) / peak
    return [
        _result("overload_goodput_share", share, "share", None, OPEN_LOOP),
        _result("overload_refusal_p99_ms", over.percentile(99, REFUSED) * 1000, "ms", None, OPEN_LOOP),
        _result(
            "overload_lost_share", over.statuses.count(LOST) / len(over.statuses), "share", None, OPEN_LOOP
        ),
    ]


def bad_inputs(ours: Asked) -> list[Result]:
    """Written wrong requests: failures inside, and answers without a number."""
    wrong = [(path, body) for path in PATHS for body in parts(path)]
    failed, nulls, answered = 0, 0, Burst(1.0)
    headers = {"x-api-key": ours.key, "content-type": "application/json", "connection": "close"}
    with httpx.Client(base_url=f"http://127.0.0.1:{ours.port}", headers=headers, timeout=10) as http:
        for path, body in wrong:
            started = time.perf_counter()
            try:
                response = http.post(f"/v1/{path}", content=body)
            except httpx.TransportError:
                failed += 1
                continue
            answered.taken.append(time.perf_counter() - started)
            answered.statuses.append(response.status_code)
            failed += response.status_code not in ALLOWED
            nulls += response.status_code == 200 and b'"score":null' in response.content
    asked = f"of {len(wrong)} written requests"
    return [
        _result("bad_inputs_5xx", failed, asked, None),
        _result("bad_inputs_null_scores", nulls, asked, None),
        _result("bad_inputs_p99_ms", answered.percentile(99) * 1000, "ms", None),
    ]


def event_to_answer(shop: Shop, server: RunningServer) -> list[Result]:
    """From sending an event to the first answer that rests on it, the first event of a server left out."""
    taken, just_now = list[float](), (NOW - timedelta(minutes=1)).isoformat()
    with httpx.Client(base_url=server.url, headers={"x-api-key": KEY}, timeout=20) as http:
        for number in range(4):
            line = {"customer_id": shop.customers[0], "item_id": "item 1", "order_id": f"order {number}"}
            when = {"event_timestamp": just_now, "quantity": 1.0, "amount": 1.0}
            before = _history(http, shop)
            started = time.perf_counter()
            http.post("/v1/events", json={"events": [line | when]}).raise_for_status()
            while _history(http, shop) == before and time.perf_counter() - started < 10:
                time.sleep(0.005)
            taken.append(time.perf_counter() - started)
    return [_result("event_to_answer_s", _middle(taken[1:]), "s", None)]


def _history(http: httpx.Client, shop: Shop) -> str:
    """What the answer rests on: its scores."""
    answer = http.post("/v1/recommend", json={"customer_id": shop.customers[0], "k": 50}).json()
    return json.dumps(answer["items"])


def store_down(shop: Shop, folder: Path) -> list[Result]:
    """Recommendations while Redis is silent: how many are answered and flagged, and how much later."""
    with ExitStack() as ending:
        url, process = ending.enter_context(running_redis(folder))
        os.environ["ATTUNE_ONLINE_STORE"] = url
        FeastStore(shop.workspace).materialize(NOW, rebuild=True)
        ours = Asked.of(ending.enter_context(start(shop.workspace, settings=SETTINGS)))
        requests = ours.requests("/v1/recommend", shop.customers)
        ask(ours.port, requests[:50])
        normal = ask(ours.port, (requests * 10)[:1_000])
        with _stopped(process.pid):
            down = ask(ours.port, (requests * 20)[:2_000], flag=FAULT.encode())
        time.sleep(1)
        back = ask(ours.port, requests[:50])
    del os.environ["ATTUNE_ONLINE_STORE"]
    extra = (down.percentile(99) - normal.percentile(99)) * 1000
    return [
        _result("store_down_answered_share", down.flagged / len(down.statuses), "share", None),
        _result("store_down_p99_extra_ms", extra, "ms", None),
        _result("store_back_answered_share", back.good_share, "share", None),
    ]


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _middle(values: list[float]) -> float:
    return float(statistics.median(values))


def _result(name: str, value: float, unit: str, rival: str | None, protocol: str = CLOSED_LOOP) -> Result:
    return Result.here(
        name=name,
        value=round(float(value), 4),
        unit=unit,
        peer=rival,
        data=DATA,
        protocol=protocol,
        command=COMMAND,
    )


if __name__ == "__main__":
    typer.run(main)
