"""One worker's application: its parts, its routes, and the thread that keeps them current."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pydantic import BaseModel

from attune.adapters.online_stores import open_rows
from attune.config import Workspace
from attune.data.pseudonyms import load_or_make_key
from attune.errors import DataError
from attune.features.online import OnlineFeatures
from attune.registry import Registry
from serving import metrics
from serving.answers import Answers
from serving.api_keys import ApiKeys
from serving.champions import Champions, check_champions
from serving.facts import LatestFacts
from serving.openapi import describe
from serving.prediction_log import PredictionLog
from serving.problems import Problem
from serving.routes import Action, Page, Route
from serving.schemas import (
    ChurnAnswer,
    ChurnRequest,
    Health,
    ModelsAnswer,
    RecommendAnswer,
    RecommendRequest,
)
from serving.settings import ServingSettings

QuestionT = TypeVar("QuestionT", bound=BaseModel)
AnswerT = TypeVar("AnswerT", bound=BaseModel)

NO_CHAMPION = {503: "There is no champion yet, or time or the feature store is missing; see Retry-After."}
NO_CUSTOMER = {
    403: "The customer has not agreed to this purpose, or the caller is on another machine.",
    404: "No customer has this id, or nothing is known about the customer.",
}


class Application:
    """Everything that one worker process answers from."""

    def __init__(self, workspace: Workspace, features: OnlineFeatures, settings: ServingSettings) -> None:
        """Load the champions and make a first prediction with each.

        Args:
            workspace: Whose models and customers are served.
            features: The online feature store.
            settings: Limits and deadlines.

        Raises:
            DataError: There are no tables, or no key of their pseudonyms.
        """
        self._settings = settings
        self._champions = Champions(Registry(workspace))
        self._facts = LatestFacts(workspace.tables)
        self._log = PredictionLog(workspace.predictions)
        key = _pseudonym_key(workspace)
        self._answers = Answers(self._champions, features, self._facts, key, self._log, settings)
        # A model takes milliseconds; in a thread of its own it does not stop the loop that accepts calls.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._closing = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._champions.refresh()
        self._watching.start()
        self.routes = self._routes()

    def close(self) -> None:
        """End the threads and bring the prediction log to the disk."""
        self._closing.set()
        self._thread.shutdown(cancel_futures=True)
        self._watching.join()
        self._log.close()

    def _watch(self) -> None:
        while not self._closing.wait(self._settings.refresh_seconds):
            self._champions.refresh()
            self._facts.refresh()

    def _routes(self) -> Mapping[str, Route]:
        text = metrics.CONTENT_TYPE
        routes: list[Route] = [
            self._action("recommend", self._answers.recommend, RecommendRequest, RecommendAnswer, {}),
            self._action("churn", self._answers.churn, ChurnRequest, ChurnAnswer, NO_CUSTOMER),
            Page("/v1/models", self._models, "What this server is serving.", ModelsAnswer),
            Page("/livez", self._live, "Whether the process lives.", Health, is_open=True),
            Page("/readyz", self._ready, "Whether it answers.", Health, is_open=True, refusals=NO_CHAMPION),
            Page("/metrics", metrics.exposition, "What it counts, for Prometheus.", content_type=text),
            Page("/openapi.json", lambda: description, "This description."),
        ]
        description = describe(routes)
        return {route.path: route for route in routes}

    def _action(
        self,
        name: str,
        answer: Callable[[QuestionT], AnswerT],
        question: type[QuestionT],
        contract: type[AnswerT],
        refusals: dict[int, str],
    ) -> Action:
        async def act(asked: QuestionT) -> AnswerT:
            return await asyncio.get_running_loop().run_in_executor(self._thread, answer, asked)

        summary = (question.__doc__ or "").partition("\n")[0]
        return Action(f"/v1/{name}", act, question, contract, summary, NO_CHAMPION | refusals)

    def _models(self) -> bytes:
        departments = sorted(self._facts.now.departments)
        answer = ModelsAnswer(models=self._champions.status(), departments=departments)
        return answer.model_dump_json().encode()

    def _live(self) -> bytes:
        return Health(status="alive").model_dump_json().encode()

    def _ready(self) -> bytes:
        if not (self._champions.ready and self._watching.is_alive()):
            detail = "no champion has made a prediction here yet; /v1/models says more"
            raise Problem(503, "not-ready", detail, {"retry-after": "1"})
        return Health(status="ready").model_dump_json().encode()


def check(workspace: Workspace) -> None:
    """Refuse to serve a workspace or a configuration that could not answer.

    Raises:
        ConfigError: A setting, an API key or the name of the online store is wrong.
        DataError: There are no tables, or no key of their pseudonyms.
        IntegrityError: A champion is not what was registered.
        FeatureError: A champion was trained on other features; the message names the feature.
    """
    ServingSettings.here()
    ApiKeys.here()
    open_rows(workspace.feast)  # says what is wrong with its name; nothing is connected
    LatestFacts(workspace.tables)
    _pseudonym_key(workspace)
    check_champions(Registry(workspace))


def _pseudonym_key(workspace: Workspace) -> bytes:
    # A new key would make strangers of all customers; only an import may make one.
    if not workspace.pseudonym_key.exists():
        raise DataError(
            f"no pseudonym key at {workspace.pseudonym_key}; put the key back that the tables were imported "
            "with, or import the data again"
        )
    return load_or_make_key(workspace.pseudonym_key)
