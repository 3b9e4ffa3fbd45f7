"""Typed clients of the HTTP API, one that waits and one for asyncio; both try again where that is safe.

Everything here may be asked twice: a prediction changes nothing, an event counts once by its interaction_id,
or its order and item, and a feedback once by what it says. So what was lost on the way, or refused for now
(429, 503), is sent again under the same request id, until the deadline.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from attune.errors import AttuneError
from serving.schemas import (
    Bought,
    ChurnAnswer,
    ChurnRequest,
    Event,
    EventsAnswer,
    EventsRequest,
    FeedbackAnswer,
    FeedbackRequest,
    ModelsAnswer,
    ProblemDocument,
    RecommendAnswer,
    RecommendRequest,
    ResponseAnswer,
    ResponseRequest,
    SimilarRequest,
)

DEADLINE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
FOR_NOW = (429, 503)

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class ServiceError(AttuneError):
    """The service cannot be reached, or its answer cannot be read."""


class RefusedError(ServiceError):
    """The service refused a request and said why."""

    def __init__(self, problem: ProblemDocument) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail} (request {problem.request_id})")
        self.problem = problem


class AttuneClient:
    """Asks one server; safe to share between threads.

    Example:
        with AttuneClient("http://127.0.0.1:3000") as client:
            client.churn("household-17").probability
    """

    def __init__(
        self, url: str, key: str | None = None, deadline_seconds: float = DEADLINE_SECONDS, tries: int = 3
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Where the server is.
            key: An API key or a token, where the server asks for one.
            deadline_seconds: How long an answer may take, all tries together.
            tries: How often a request is sent at most; 1 never sends it again.
        """
        self._http = httpx.Client(
            base_url=url, headers=_headers(key), timeout=deadline_seconds, trust_env=False
        )
        self._tries, self._deadline_seconds = tries, deadline_seconds

    def recommend(
        self,
        customer_id: str | None = None,
        k: int = 10,
        departments: Sequence[str] | None = None,
        history: Sequence[Bought] | None = None,
        **wishes: Any,
    ) -> RecommendAnswer:
        """Ask for items for one customer, or for a visitor by what they bought.

        Args:
            customer_id: The customer's id in your own systems; None for a visitor.
            k: How many items.
            departments: Only items of these.
            history: What a visitor bought, oldest first.
            wishes: Any other field of `RecommendRequest`.

        Raises:
            RefusedError: The service refused; `problem` says why.
            ServiceError: The service cannot be reached or understood.
        """
        wanted = None if departments is None else list(departments)
        shown = None if history is None else list(history)
        question = RecommendRequest(customer_id=customer_id, k=k, departments=wanted, history=shown, **wishes)
        return self.ask("recommend", RecommendAnswer, question)

    def similar(self, item_id: str, k: int = 10) -> RecommendAnswer:
        """Ask for items that go with one; raises as `recommend` does."""
        return self.ask("recommend/similar", RecommendAnswer, SimilarRequest(item_id=item_id, k=k))

    def churn(self, customer_id: str, *, explain: bool = False) -> ChurnAnswer:
        """Ask how likely it is that one customer stays away; raises as `recommend` does."""
        return self.ask("churn", ChurnAnswer, ChurnRequest(customer_id=customer_id, explain=explain))

    def response(self, question: ResponseRequest) -> ResponseAnswer:
        """Ask how likely a customer responds to each way of sending; raises as `recommend` does."""
        return self.ask("response", ResponseAnswer, question)

    def events(self, events: Sequence[Event]) -> EventsAnswer:
        """Tell what customers bought; raises as `recommend` does."""
        return self.ask("events", EventsAnswer, EventsRequest(events=list(events)))

    def feedback(self, feedback: FeedbackRequest) -> FeedbackAnswer:
        """Tell what became of an answer; raises as `recommend` does."""
        return self.ask("feedback", FeedbackAnswer, feedback)

    def models(self) -> ModelsAnswer:
        """What the server is serving; raises as `recommend` does."""
        return self.ask("models", ModelsAnswer)

    def ask(self, path: str, contract: type[AnswerT], question: BaseModel | None = None) -> AnswerT:
        """Ask at a path below /v1; raises as `recommend` does."""
        sending = _Sending(self._http.base_url, self._tries, self._deadline_seconds)
        while True:
            try:
                response = self._http.send(sending.request(self._http, path, question))
            except httpx.HTTPError as error:
                time.sleep(sending.after(error))
                continue
            pause = sending.refused(response)
            if pause is None:
                return _read(response, contract)
            time.sleep(pause)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncAttuneClient:
    """The same for asyncio: `await client.ask("churn", ChurnAnswer, ChurnRequest(customer_id="7"))`."""

    def __init__(
        self, url: str, key: str | None = None, deadline_seconds: float = DEADLINE_SECONDS, tries: int = 3
    ) -> None:
        """Prepare a client; see `AttuneClient`."""
        self._http = httpx.AsyncClient(
            base_url=url, headers=_headers(key), timeout=deadline_seconds, trust_env=False
        )
        self._tries, self._deadline_seconds = tries, deadline_seconds

    async def recommend(self, question: RecommendRequest) -> RecommendAnswer:
        """Ask for items; raises as `AttuneClient.recommend` does."""
        return await self.ask("recommend", RecommendAnswer, question)

    async def churn(self, customer_id: str) -> ChurnAnswer:
        """Ask how likely it is that one customer stays away; raises as `recommend` does."""
        return await self.ask("churn", ChurnAnswer, ChurnRequest(customer_id=customer_id))

    async def ask(self, path: str, contract: type[AnswerT], question: BaseModel | None = None) -> AnswerT:
        """Ask at a path below /v1; raises as `recommend` does."""
        sending = _Sending(self._http.base_url, self._tries, self._deadline_seconds)
        while True:
            try:
                response = await self._http.send(sending.request(self._http, path, question))
            except httpx.HTTPError as error:
                await asyncio.sleep(sending.after(error))
                continue
            pause = sending.refused(response)
            if pause is None:
                return _read(response, contract)
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Sending:
    """One request and its repetitions."""

    def __init__(self, url: httpx.URL, tries: int, seconds: float) -> None:
        self._url = url
        self._left = tries
        self._until = time.monotonic() + seconds
        self._pause = FIRST_PAUSE_SECONDS
        self._id = uuid.uuid4().hex

    def request(
        self, http: httpx.Client | httpx.AsyncClient, path: str, question: BaseModel | None
    ) -> httpx.Request:
        """The request, the same each time."""
        self._left -= 1
        headers = {"x-request-id": self._id, "content-type": "application/json"}
        if question is None:
            return http.build_request("GET", f"/v1/{path}", headers=headers)
        body = question.model_dump_json(exclude_none=True).encode()
        return http.build_request("POST", f"/v1/{path}", content=body, headers=headers)

    def after(self, error: httpx.HTTPError) -> float:
        """How long to wait after a failure.

        Raises:
            ServiceError: There is no time or no try left.
        """
        pause = self._next_pause(0)
        if pause is None:
            raise ServiceError(f"no answer from {self._url} ({error!r}); is it running?") from error
        return pause

    def refused(self, response: httpx.Response) -> float | None:
        """How long to wait before a refused request is sent again; None: the answer stands."""
        if response.status_code not in FOR_NOW:
            return None
        asked = response.headers.get("retry-after", "")
        return self._next_pause(float(asked) if asked.isdigit() else 0)

    def _next_pause(self, least: float) -> float | None:
        # Callers that were refused together must not come back together.
        pause = max(least, self._pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2)
        in_time = time.monotonic() + pause < self._until
        return pause if self._left > 0 and in_time else None


def _headers(key: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _read(response: httpx.Response, contract: type[AnswerT]) -> AnswerT:
    try:
        if response.is_success:
            return contract.model_validate_json(response.content)
        problem = ProblemDocument.model_validate_json(response.content)
    except ValidationError as error:
        raise ServiceError(
            f"{response.url} answered {response.status_code} with something else than the API's contract; "
            "is it a server of this version?"
        ) from error
    raise RefusedError(problem)
