"""The contract of the HTTP API: what may be asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

MOST_ITEMS = 100
MOST_DEPARTMENTS = 50

Degradation = Literal[
    "no_consent", "unknown_customer", "no_feature_store", "missing_features", "stale_features"
]
CustomerId = Annotated[
    str, Field(min_length=1, max_length=128, description="the customer's id in your own systems")
]


class Question(BaseModel):
    """A request: the types as they are, and nothing that is not named here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class RecommendRequest(Question):
    """Ask for items for one customer."""

    customer_id: CustomerId
    k: int = Field(default=10, ge=1, le=MOST_ITEMS, description="how many items")
    departments: list[Annotated[str, Field(min_length=1, max_length=128)]] | None = Field(
        default=None,
        min_length=1,
        max_length=MOST_DEPARTMENTS,
        description="only items of these departments",
    )


class ChurnRequest(Question):
    """Ask how likely it is that one customer stays away."""

    customer_id: CustomerId


class Answer(BaseModel):
    """What every prediction says about itself."""

    model_config = ConfigDict(frozen=True)

    prediction_id: str = Field(description="names this prediction, in the prediction log too")
    model: str
    model_version: int
    feature_service: str
    as_of: datetime | None = Field(description="when the customer's features were true; null: none were used")
    degraded: list[Degradation] = Field(
        description="why the answer is less than it could be; empty: it is not"
    )


class RecommendedItem(BaseModel):
    """One item, best first."""

    item_id: str
    score: FiniteFloat
    department: str


class RecommendAnswer(Answer):
    """Items for one customer."""

    items: list[RecommendedItem]


class ChurnAnswer(Answer):
    """How likely the customer stays away."""

    probability: FiniteFloat = Field(ge=0, le=1)


class ModelStatus(BaseModel):
    """What one served model is doing."""

    name: str
    champion: int | None = Field(description="the version that answers; null: there is none yet")
    feature_service: str | None
    algorithm: str | None
    loaded_at: datetime | None
    refused: int | None = Field(description="a newer champion that was not taken")
    reason: str | None = Field(description="why it was not taken")


class ModelsAnswer(BaseModel):
    """What this server is serving."""

    models: list[ModelStatus]
    departments: list[str] = Field(description="what a recommendation may be limited to")


class Health(BaseModel):
    """Whether the server lives, or can answer."""

    status: Literal["alive", "ready"]


class Fault(BaseModel):
    """One thing that is wrong with a request, without what was sent."""

    location: list[str | int]
    message: str


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Fault] | None = None
