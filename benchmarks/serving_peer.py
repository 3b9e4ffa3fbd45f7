"""The peer: FastAPI and uvicorn as their tutorials have it, over the same models, features and consents.

It has no keys, limits, log or counters. `python -m benchmarks.serving_peer PORT` serves the workspace that
ATTUNE_HOME names, as of the moment in ATTUNE_SERVING.
"""

import sys
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from attune import columns as c
from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key, pseudonym
from attune.features.read_plan import OnlineReader
from attune.registry import Registry
from serving.champions import admit
from serving.facts import LatestFacts
from serving.settings import ServingSettings

workspace, settings = Workspace.here(), ServingSettings.here()
registry = Registry(workspace)
models = {name: admit(registry, registry.get(name, 1)).model for name in ("churn", "recommend")}
reader = OnlineReader(open_rows(workspace.feast / ONLINE_FILE))
facts = LatestFacts(workspace.tables)
key = load_or_make_key(workspace.pseudonym_key)
app = FastAPI()


class ChurnQuestion(BaseModel):
    """Who is asked about."""

    customer_id: str


class ChurnAnswer(BaseModel):
    """How likely they stay away."""

    probability: float


class ItemsQuestion(ChurnQuestion):
    """Who is asked about, and how many items."""

    k: int = 10


class Item(BaseModel):
    """One item."""

    item_id: str
    score: float


class ItemsAnswer(BaseModel):
    """Items, best first."""

    items: list[Item]


def features(service: str, purpose: str, customer_id: str) -> dict[str, Any]:
    """The features of a customer who agreed."""
    customer = pseudonym(key, customer_id)
    if not facts.now.have_agreement(customer, purpose) or settings.now is None:
        raise HTTPException(403)
    (row,) = reader.online(service, [customer], settings.now)
    return dict(row.values)


@app.post("/v1/churn")
async def churn(question: ChurnQuestion) -> ChurnAnswer:
    """Score one customer."""
    values = features("churn_v1", "churn", question.customer_id)
    (score,) = models["churn"].score_rows([values], settings.now)
    if not np.isfinite(score):
        raise HTTPException(500)
    return ChurnAnswer(probability=float(score))


@app.post("/v1/recommend")
async def recommend(question: ItemsQuestion) -> ItemsAnswer:
    """Recommend to one customer."""
    values = features("recommend_v1", "recommend", question.customer_id)
    items, scores = models["recommend"].recommend_one(
        values[c.HISTORY_ITEMS], values[c.HISTORY_TIMES], settings.now, question.k
    )
    pairs = zip(items, scores, strict=True)
    return ItemsAnswer(items=[Item(item_id=item, score=score) for item, score in pairs])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="error")
