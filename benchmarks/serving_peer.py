"""The peer: FastAPI and uvicorn as their tutorials have it, over the same models, features and consents.

It has no keys, limits, log or counters. `python -m benchmarks.serving_peer PORT` serves the workspace that
ATTUNE_HOME names, as of the moment in ATTUNE_SERVING.
"""

import sys

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

from benchmarks.serving_models import Models

models = Models()
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


@app.exception_handler(LookupError)
async def refuse(*_: object) -> Response:
    """Who did not agree is not answered."""
    return Response(status_code=403)


@app.post("/v1/churn")
async def churn(question: ChurnQuestion) -> ChurnAnswer:
    """Score one customer."""
    return ChurnAnswer(probability=models.churn(question.customer_id))


@app.post("/v1/recommend")
async def recommend(question: ItemsQuestion) -> ItemsAnswer:
    """Recommend to one customer."""
    pairs = models.recommend(question.customer_id, question.k)
    return ItemsAnswer(items=[Item(item_id=item, score=score) for item, score in pairs])


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="error")
