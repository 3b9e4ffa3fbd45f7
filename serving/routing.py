"""The routes of the HTTP API: which part of the application answers at which path, and to whom."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from serving import metrics
from serving.application import Application
from serving.openapi import describe
from serving.problems import Problem
from serving.routes import Action, Lookup, Page, Route
from serving.schemas import (
    ChurnAnswer,
    ChurnBatch,
    ChurnRequest,
    ChurnResults,
    EventsAnswer,
    EventsRequest,
    ExplanationAnswer,
    FeedbackAnswer,
    FeedbackRequest,
    Health,
    ModelsAnswer,
    RecommendAnswer,
    RecommendBatch,
    RecommendRequest,
    RecommendResults,
    ResponseAnswer,
    ResponseRequest,
    SimilarRequest,
)
from serving.scopes import Scope
from serving.settings import ServingSettings

QuestionT = TypeVar("QuestionT", bound=BaseModel)

NO_CHAMPION = {503: "There is no champion yet, or time or the feature store is missing; see Retry-After."}
NO_CUSTOMER = {
    **NO_CHAMPION,
    403: "No consent to this purpose, a key that is not for this, or a caller on another machine.",
    404: "No customer has this id, or nothing is known about the customer.",
}
NO_ITEM = {**NO_CHAMPION, 404: "No item has this id."}
NOT_KEPT = {503: "It cannot be kept now; see Retry-After, and send the same again."}
LOST = {
    403: NO_CUSTOMER[403],
    404: "The log has no such answer, or it was about nobody.",
    410: "The version does not serve any more, or the features changed since.",
}
PREDICTION_ID = "[0-9a-f]{32}"
PREDICTION = "/v1/predictions/{prediction_id}/explanation"


def routes_of(application: Application, settings: ServingSettings) -> Mapping[str, Route]:
    """Path -> route."""
    itself = Page("/openapi.json", lambda: description, "This description.", is_inside=True)
    routes = [*_predictions(application), *_told(application, settings), *_pages(application), itself]
    description = describe(routes)
    return {route.path: route for route in routes}


def _predictions(application: Application) -> list[Route]:
    recommend, churn = "/v1/recommend", "/v1/churn"
    return [
        _action(
            recommend, application.recommend, RecommendRequest, RecommendAnswer, "recommend", NO_CHAMPION
        ),
        _action(
            f"{recommend}/batch",
            application.recommend_batch,
            RecommendBatch,
            RecommendResults,
            "recommend",
            NO_CHAMPION,
        ),
        _action(
            f"{recommend}/similar", application.similar, SimilarRequest, RecommendAnswer, "recommend", NO_ITEM
        ),
        replace(
            _action(churn, application.churn, ChurnRequest, ChurnAnswer, "score", NO_CUSTOMER),
            at_once=application.churn_at_once,
        ),
        _action(f"{churn}/batch", application.churn_batch, ChurnBatch, ChurnResults, "score", NO_CHAMPION),
        _action("/v1/response", application.response, ResponseRequest, ResponseAnswer, "score", NO_CUSTOMER),
        Lookup(
            PREDICTION,
            application.explanation,
            PREDICTION_ID,
            ExplanationAnswer,
            "Say why an answer was what it was.",
            "admin",
            LOST,
        ),
    ]


def _told(application: Application, settings: ServingSettings) -> list[Route]:
    events = _action("/v1/events", application.events, EventsRequest, EventsAnswer, "events", NOT_KEPT)
    return [
        replace(events, seconds=settings.events_deadline_seconds),
        _action("/v1/feedback", application.feedback, FeedbackRequest, FeedbackAnswer, "events", NOT_KEPT),
    ]


def _pages(application: Application) -> list[Route]:
    def models() -> bytes:
        return application.models().model_dump_json().encode()

    def live() -> bytes:
        return Health(status="alive").model_dump_json().encode()

    def ready() -> bytes:
        if not application.ready:
            detail = "no champion has made a prediction here yet; /v1/models says more"
            raise Problem(503, "not-ready", detail, {"retry-after": "1"})
        return Health(status="ready").model_dump_json().encode()

    counts = Page(
        "/metrics",
        metrics.exposition,
        "What it counts, for Prometheus.",
        content_type=metrics.CONTENT_TYPE,
        is_inside=True,
        scope="admin",
    )
    return [
        Page("/v1/models", models, "What this server is serving.", ModelsAnswer),
        Page("/livez", live, "Whether the process lives.", Health, is_open=True),
        Page("/readyz", ready, "Whether it answers.", Health, is_open=True, refusals=NO_CHAMPION),
        counts,
    ]


def _action(
    path: str,
    act: Callable[[QuestionT], Awaitable[BaseModel]],
    question: type[QuestionT],
    answer: type[BaseModel],
    scope: Scope,
    refusals: dict[int, str],
) -> Action:
    summary = (question.__doc__ or "").partition("\n")[0]
    return Action(path, act, question, answer, summary, scope, refusals=refusals)
