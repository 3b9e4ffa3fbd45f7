"""An application that uses the served models, with customers of every kind."""

import time

import httpx
import numpy as np

from attune.columns import CUSTOMER_ID
from attune.data.consents import agreed
from attune.data.ingest import load_source
from attune.data.pseudonyms import pseudonymise, workspace_key
from attune.data.tables import read_table
from attune.errors import DataError
from pipelines.demo.teller import SOURCE, Teller

REPEATS = 200
RECENT_ROWS = 20_000
JSON = {"content-type": "application/json"}


def ask(teller: Teller, url: str) -> None:
    """Ask all kinds of questions and show question, answer and time; then how fast it goes on average."""
    known = _household(teller, agreed_to={"churn", "recommend"}, refused=set())
    private = _household(teller, agreed_to={"churn"}, refused={"recommend"})
    silent = _household(teller, agreed_to={"recommend"}, refused={"churn"})
    questions = (
        ("a known household", "/v1/recommend", f'{{"customer_id": "{known}", "k": 3}}'),
        ("its churn", "/v1/churn", f'{{"customer_id": "{known}"}}'),
        (
            "one department only",
            "/v1/recommend",
            f'{{"customer_id": "{known}", "k": 2, "departments": ["PRODUCE"]}}',
        ),
        ("unknown customer", "/v1/recommend", '{"customer_id": "nobody", "k": 2}'),
        ("unknown customer's churn", "/v1/churn", '{"customer_id": "nobody"}'),
        ("no consent to recommend", "/v1/recommend", f'{{"customer_id": "{private}", "k": 2}}'),
        ("no consent to churn", "/v1/churn", f'{{"customer_id": "{silent}"}}'),
        ("malformed", "/v1/churn", '{"customer_id": 17, "vip": NaN}'),
    )
    with httpx.Client(base_url=url, headers=JSON, trust_env=False, timeout=10) as http:
        for title, path, body in questions:
            milliseconds, response = _timed(http, path, body)
            teller.screen.say(f"{title}: POST {path} {body}")
            teller.screen.say(f"  {response.status_code} in {milliseconds:.1f} ms: {response.text}")
        for path in ("/v1/recommend", "/v1/churn"):
            times = [_timed(http, path, f'{{"customer_id": "{known}"}}')[0] for _ in range(REPEATS)]
            middle, slow = np.percentile(times, [50, 99])
            teller.screen.verdict(
                f"{path}: {REPEATS} requests one after another, p50 {middle:.1f} ms, p99 {slow:.1f} ms"
            )


def _household(teller: Teller, agreed_to: set[str], refused: set[str]) -> str:
    """A household that bought lately, agreed to some purposes and refused others."""
    workspace = teller.workspace
    consents = read_table(workspace.tables, "consents")
    recent = read_table(workspace.tables, "interactions", columns=[CUSTOMER_ID])[CUSTOMER_ID].tail(
        RECENT_ROWS
    )
    wanted = set(recent).intersection(*(agreed(consents, purpose) for purpose in agreed_to))
    wanted = wanted.difference(*(agreed(consents, purpose) for purpose in refused))
    households = load_source(SOURCE).customers[CUSTOMER_ID].astype(str)
    names = pseudonymise(workspace_key(workspace), households)
    found = households[names.isin(wanted)]
    if found.empty:
        raise DataError(
            f"no household agreed to {agreed_to} and refused {refused}; the seeded consents have some"
        )
    return str(found.iloc[0])


def _timed(http: httpx.Client, path: str, body: str) -> tuple[float, httpx.Response]:
    started = time.perf_counter()
    response = http.post(path, content=body)
    return (time.perf_counter() - started) * 1000, response
