"""A typed client of the HTTP API."""

from collections.abc import Sequence
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from attune.errors import AttuneError
from serving.schemas import (
    ChurnAnswer,
    ChurnRequest,
    ModelsAnswer,
    ProblemDocument,
    RecommendAnswer,
    RecommendRequest,
)

DEADLINE_SECONDS = 5.0

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

    def __init__(self, url: str, key: str | None = None, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: Where the server is.
            key: An API key, where the server asks for one.
            deadline_seconds: How long each step of a request may take.
        """
        headers = {"x-api-key": key} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=deadline_seconds, trust_env=False)

    def recommend(
        self, customer_id: str, k: int = 10, departments: Sequence[str] | None = None
    ) -> RecommendAnswer:
        """Ask for items for one customer.

        Raises:
            RefusedError: The service refused; `problem` says why.
            ServiceError: The service cannot be reached or understood.
        """
        wanted = None if departments is None else list(departments)
        question = RecommendRequest(customer_id=customer_id, k=k, departments=wanted)
        return self._ask("POST", "/v1/recommend", RecommendAnswer, question)

    def churn(self, customer_id: str) -> ChurnAnswer:
        """Ask how likely it is that one customer stays away.

        Raises:
            RefusedError: The service refused; `problem` says why.
            ServiceError: The service cannot be reached or understood.
        """
        return self._ask("POST", "/v1/churn", ChurnAnswer, ChurnRequest(customer_id=customer_id))

    def models(self) -> ModelsAnswer:
        """What the server is serving.

        Raises:
            RefusedError: The service refused; `problem` says why.
            ServiceError: The service cannot be reached or understood.
        """
        return self._ask("GET", "/v1/models", ModelsAnswer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self, method: str, path: str, contract: type[AnswerT], question: BaseModel | None = None
    ) -> AnswerT:
        body: Any = None if question is None else question.model_dump_json(exclude_none=True).encode()
        try:
            response = self._http.request(
                method, path, content=body, headers={"content-type": "application/json"}
            )
            if response.is_success:
                return contract.model_validate_json(response.content)
            problem = ProblemDocument.model_validate_json(response.content)
        except httpx.HTTPError as error:
            raise ServiceError(f"no answer from {self._http.base_url} ({error!r}); is it running?") from error
        except ValidationError as error:
            raise ServiceError(
                f"{self._http.base_url} answered {response.status_code} with something else than the API's "
                "contract; is it a server of this version?"
            ) from error
        raise RefusedError(problem)
