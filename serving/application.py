"""One worker's application: its parts, and the threads that answer and keep them current."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from attune.adapters.online_stores import ONLINE_FILE, open_rows
from attune.config import Workspace
from attune.data.pseudonyms import workspace_key
from attune.errors import DataError
from attune.features.online import OnlineFeatures
from attune.registry import Registry
from serving.access import Access
from serving.asking import ScoresRows
from serving.batches import answered
from serving.breaker import Breaker
from serving.champions import check_champions
from serving.events import open_events
from serving.explanations import ExplainsItself
from serving.facts import LatestFacts
from serving.feedback import Feedback
from serving.ground import Ground
from serving.lineup import Lineup
from serving.past import PastAnswers
from serving.prediction_log import PredictionLog
from serving.problems import Problem
from serving.reads import GuardedStore, Reader
from serving.recommendations import RecommendationAnswers
from serving.records import Records
from serving.schemas import (
    ChurnAnswer,
    ChurnBatch,
    ChurnRequest,
    ChurnResult,
    ChurnResults,
    EventsAnswer,
    EventsRequest,
    ExplanationAnswer,
    FeedbackAnswer,
    FeedbackRequest,
    ModelsAnswer,
    ProblemDocument,
    RecommendAnswer,
    RecommendBatch,
    RecommendRequest,
    RecommendResult,
    RecommendResults,
    ResponseAnswer,
    ResponseRequest,
    SimilarRequest,
)
from serving.scores import Scores
from serving.settings import ServingSettings
from serving.shadows import Shadows
from serving.stream import check_stream, open_stream
from serving.together import Together, answers_of
from serving.traces import exporter_of, is_traced

# How many share a run of the model: answers of tens of microseconds, and of up to milliseconds.
MOST_SCORED = 32
MOST_EXPLAINED = 8
MOST_RECOMMENDED = 8

AskedT = TypeVar("AskedT")
GivenT = TypeVar("GivenT")


class Application:
    """Everything that one worker process answers from, at once or in a thread for the kind of question."""

    def __init__(self, workspace: Workspace, features: OnlineFeatures, settings: ServingSettings) -> None:
        """Load the champions and make a first prediction with each.

        Args:
            workspace: Whose models and customers are served.
            features: The online feature store.
            settings: Limits and deadlines.

        Raises:
            ConfigError: The environment names a stream that is none.
            DataError: There are no tables, or no key of their pseudonyms.
        """
        self._settings = settings
        self._lineup = Lineup(Registry(workspace), settings)
        self._facts = LatestFacts(workspace.tables)
        self._log = PredictionLog(workspace.predictions, stream=open_stream())
        self._feedback = Feedback(workspace.predictions)
        key = pseudonym_key(workspace)
        reader = Reader(GuardedStore(features, Breaker()), self._facts)
        self._shadows = Shadows(reader, workspace.predictions, settings)
        records = Records(self._log)
        self._ground = Ground(self._lineup, reader, self._facts, records, self._shadows, key, settings)
        self._recommendations = RecommendationAnswers(self._ground)
        self._scores = Scores(self._ground)
        self._past = PastAnswers(self._ground, workspace.predictions)
        self._events = open_events(workspace, key, settings)
        # A model takes milliseconds; in a thread of its own it does not stop the loop that accepts calls.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._recommending = Together(self._recommendations.recommend_all, MOST_RECOMMENDED, self._thread)
        self._churning = Together(self._scores.churn_all, MOST_SCORED)
        self._explaining = Together(self._scores.churn_all, MOST_EXPLAINED)
        self._churning_slowly = Together(self._scores.churn_all, MOST_SCORED, self._thread)
        # An event waits for the disk, a look into the log for more: answers do not wait for them.
        self._slow_thread = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._closing = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._lineup.refresh()
        self._watching.start()

    @property
    def ready(self) -> bool:
        """Whether a champion has made a prediction here, and new ones are looked for."""
        return self._lineup.ready and self._watching.is_alive()

    def models(self) -> ModelsAnswer:
        """What is served, and by what it can be limited."""
        return ModelsAnswer(
            models=self._lineup.status(),
            trials=self._lineup.trials(),
            departments=sorted(self._facts.now.departments),
            categories=sorted(self._facts.now.categories),
        )

    async def recommend(self, question: RecommendRequest) -> RecommendAnswer:
        """Items for one customer or visitor."""
        if is_traced():  # its parts are its own
            return await self._soon(self._recommendations.recommend, question)
        return await self._recommending.answer(question)

    async def similar(self, question: SimilarRequest) -> RecommendAnswer:
        """Items beside one item."""
        return await self._soon(self._recommendations.similar, question)

    async def churn(self, question: ChurnRequest) -> ChurnAnswer:
        """A probability that one customer stays away."""
        if is_traced() or question.explain:  # reasons that no graph gives share nothing
            return await self._soon(self._scores.churn, question)
        return await self._churning_slowly.answer(question)

    def churn_at_once(self, question: ChurnRequest) -> Awaitable[ChurnAnswer] | None:
        """The same without another thread, while neither model nor store makes anybody wait; else None."""
        model = ExplainsItself if question.explain else ScoresRows
        if is_traced() or not (self._ground.reader.is_quick and self._lineup.answers_as(model, "churn")):
            return None
        return (self._explaining if question.explain else self._churning).answer(question)

    async def response(self, question: ResponseRequest) -> ResponseAnswer:
        """Probabilities that one customer responds."""
        return await self._soon(self._scores.response, question)

    async def recommend_batch(self, batch: RecommendBatch) -> RecommendResults:
        """Items for several."""
        found = await answered(batch.requests, self.recommend)
        results = [
            RecommendResult(problem=each)
            if isinstance(each, ProblemDocument)
            else RecommendResult(answer=each)
            for each in found
        ]
        return RecommendResults(results=results)

    async def churn_batch(self, batch: ChurnBatch) -> ChurnResults:
        """Probabilities of several."""
        found = await self._soon(partial(answers_of, self._scores.churn_all), batch.requests)
        return ChurnResults(results=[_churn_result(each) for each in found])

    async def events(self, question: EventsRequest) -> EventsAnswer:
        """Interactions, taken for good."""
        take = partial(self._events.take, now=self._ground.now())
        return await self._later(take, question)

    async def feedback(self, question: FeedbackRequest) -> FeedbackAnswer:
        """What became of an answer."""
        return self._feedback.take(question, self._ground.now())

    async def explanation(self, prediction_id: str) -> ExplanationAnswer:
        """Why an answer was what it was."""
        return await self._later(self._past.explain, prediction_id)

    def close(self) -> None:
        """End the threads and bring what was written to the disk."""
        self._closing.set()
        self._thread.shutdown(cancel_futures=True)
        self._slow_thread.shutdown(cancel_futures=True)
        self._watching.join()
        self._shadows.close()
        self._feedback.close()
        self._log.close()

    async def _soon(self, answer: Callable[[AskedT], GivenT], asked: AskedT) -> GivenT:
        # The thread is told the request's id, and whether it is traced.
        run = copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, answer, asked)

    async def _later(self, answer: Callable[[AskedT], GivenT], asked: AskedT) -> GivenT:
        return await asyncio.get_running_loop().run_in_executor(self._slow_thread, answer, asked)

    def _watch(self) -> None:
        while not self._closing.wait(self._settings.refresh_seconds):
            self._lineup.refresh()
            self._facts.refresh()


def check(workspace: Workspace) -> None:
    """Refuse to serve a workspace or a configuration that could not answer.

    Raises:
        ConfigError: A setting, a key, the name of a store or of an exporter is wrong.
        DataError: There are no tables, or no key of their pseudonyms.
        IntegrityError: A champion is not what was registered.
        FeatureError: A champion was trained on other features; the message names the feature.
    """
    settings = ServingSettings.here()
    Access.here()
    exporter_of(settings)
    open_rows(workspace.feast / ONLINE_FILE)  # says what is wrong with its name; nothing is connected
    LatestFacts(workspace.tables)
    open_events(workspace, pseudonym_key(workspace), settings)
    check_stream()
    check_champions(Registry(workspace))


def pseudonym_key(workspace: Workspace) -> bytes:
    """The key that customers' names were hidden with.

    Raises:
        DataError: There is none; a new one would make strangers of all customers, so only an import does.
    """
    if not workspace.pseudonym_key.exists():
        raise DataError(
            f"no pseudonym key at {workspace.pseudonym_key}; put the key back that the tables were imported "
            "with, or import the data again"
        )
    return workspace_key(workspace)


def _churn_result(found: ChurnAnswer | Exception) -> ChurnResult:
    if isinstance(found, Problem):
        return ChurnResult(problem=found.document())
    if isinstance(found, Exception):
        raise found
    return ChurnResult(answer=found)
