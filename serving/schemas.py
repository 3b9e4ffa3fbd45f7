"""The contract of the HTTP API: what may be asked, and what is answered."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

MOST_ITEMS = 100
MOST_DEPARTMENTS = 50
MOST_BOUGHT = 200
MOST_SLOTS = 20
MOST_ASKED_AT_ONCE = 100
MOST_OPTIONS = 200
HOURS = 24
WEEKDAYS = 7
USUAL_OFFER_DAYS = 28.0

Degradation = Literal[
    "no_consent",
    "unknown_customer",
    "no_feature_store",
    "missing_features",
    "stale_features",
    "default_features",
]
CustomerId = Annotated[
    str, Field(min_length=1, max_length=128, description="the customer's id in your own systems")
]
ItemId = Annotated[str, Field(min_length=1, max_length=256)]
Word = Annotated[str, Field(min_length=1, max_length=128)]
Words = Annotated[list[Word], Field(min_length=1, max_length=MOST_DEPARTMENTS)]
PredictionId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="as an answer said")]
# JSON has no moments: text is read as one, strictly with its offset from UTC.
Moment = Annotated[
    AwareDatetime, Field(strict=False, description="a moment with its offset from UTC, ISO 8601")
]


class Question(BaseModel):
    """A request: the types as they are, and nothing that is not named here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ItemFilters(Question):
    """Which items may be recommended; every rule that is given has to hold."""

    departments: Words | None = Field(default=None, description="only items of these departments")
    categories: Words | None = Field(default=None, description="only items of these categories")
    min_price: FiniteFloat | None = Field(default=None, ge=0, description="wants the assortment")
    max_price: FiniteFloat | None = Field(default=None, ge=0, description="wants the assortment")
    in_stock: bool = Field(default=False, description="only items in stock; wants the assortment")
    exclude_items: list[ItemId] = Field(default=[], max_length=MOST_BOUGHT, description="never these")


class Bought(Question):
    """One purchase of somebody who gives no name."""

    item_id: ItemId
    at: Moment | None = Field(default=None, description="when; left out: just now")


class Slot(Question):
    """A place in the list that a campaign has booked."""

    position: int = Field(ge=1, le=MOST_ITEMS, description="counted from 1")
    items: list[ItemId] = Field(
        min_length=1, max_length=MOST_SLOTS, description="the first that the filters allow goes there"
    )


class RecommendRequest(ItemFilters):
    """Ask for items for one customer, or for somebody who only shows what they bought."""

    customer_id: CustomerId | None = None
    history: list[Bought] | None = Field(
        default=None,
        max_length=MOST_BOUGHT,
        description="what an anonymous visitor bought, oldest first; instead of customer_id",
    )
    k: int = Field(default=10, ge=1, le=MOST_ITEMS, description="how many items")
    exclude_bought: bool = Field(default=False, description="nothing that the history holds")
    diversity: FiniteFloat = Field(
        default=0, ge=0, le=1, description="0: the best scores; 1: as many categories as there can be"
    )
    most_per_department: int | None = Field(default=None, ge=1, le=MOST_ITEMS)
    boosts: dict[Word, FiniteFloat] = Field(
        default={},
        max_length=MOST_DEPARTMENTS,
        description="department or category: added to scores counted from 0 to 1; below 0 holds back",
    )
    slots: list[Slot] = Field(default=[], max_length=MOST_SLOTS, description="places of campaigns")
    explain: bool = Field(default=False, description="say which purchases each item rests on")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.customer_id is None) == (self.history is None):
            raise ValueError("give either customer_id or history")
        return self


class SimilarRequest(ItemFilters):
    """Ask for items that go with one item."""

    item_id: ItemId
    k: int = Field(default=10, ge=1, le=MOST_ITEMS, description="how many items")


class ChurnRequest(Question):
    """Ask how likely it is that one customer stays away."""

    customer_id: CustomerId
    explain: bool = Field(default=False, description="say what each feature adds")


class ResponseRequest(Question):
    """Ask how likely one customer responds to a message, for every combination of what is listed."""

    customer_id: CustomerId
    channels: Words
    formats: Words = Field(default=["unknown"], description="of the message")
    hours: list[Annotated[int, Field(ge=0, lt=HOURS)]] = Field(
        min_length=1, max_length=HOURS, description="of sending, UTC"
    )
    weekdays: list[Annotated[int, Field(ge=0, lt=WEEKDAYS)]] | None = Field(
        default=None,
        min_length=1,
        max_length=WEEKDAYS,
        description="of sending, 0 is Monday; left out: today",
    )
    offer_days: list[Annotated[FiniteFloat, Field(gt=0, le=366)]] = Field(
        default=[USUAL_OFFER_DAYS], min_length=1, max_length=MOST_DEPARTMENTS, description="how long it holds"
    )

    @model_validator(mode="after")
    def _few_options(self) -> Self:
        ways = len(self.channels) * len(self.formats) * len(self.hours)
        if ways * len(self.weekdays or [0]) * len(self.offer_days) > MOST_OPTIONS:
            raise ValueError(f"more than {MOST_OPTIONS} combinations; ask in parts")
        return self


class RecommendBatch(Question):
    """Ask several recommendations at once."""

    requests: list[RecommendRequest] = Field(min_length=1, max_length=MOST_ASKED_AT_ONCE)


class ChurnBatch(Question):
    """Ask several churn probabilities at once."""

    requests: list[ChurnRequest] = Field(min_length=1, max_length=MOST_ASKED_AT_ONCE)


class Event(Question):
    """One line of an order, as it happened."""

    customer_id: CustomerId
    item_id: ItemId
    order_id: ItemId
    interaction_id: ItemId | None = Field(default=None, description="left out: the order and the item")
    event: Literal["purchase", "return"] = "purchase"
    event_timestamp: Moment
    quantity: FiniteFloat = Field(gt=0)
    amount: FiniteFloat = Field(ge=0)
    discount: FiniteFloat = Field(default=0, ge=0)


class EventsRequest(Question):
    """Tell what customers bought or gave back; telling it again changes nothing."""

    events: list[Event] = Field(min_length=1, max_length=MOST_ASKED_AT_ONCE)


class FeedbackRequest(Question):
    """Tell what became of an answer."""

    prediction_id: PredictionId
    kind: Literal["shown", "clicked", "bought", "dismissed", "stayed", "left", "responded", "ignored"]
    item_id: ItemId | None = Field(default=None, description="which of the items, where it is about one")
    at: Moment | None = Field(default=None, description="when; left out: now")


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


class Contribution(BaseModel):
    """What one feature, or one purchase, adds to a score."""

    name: str
    contribution: FiniteFloat


class RecommendedItem(BaseModel):
    """One item, best first."""

    item_id: str
    score: FiniteFloat
    department: str
    because: list[Contribution] | None = Field(
        default=None, description="the purchases it rests on most, on request"
    )


class RecommendAnswer(Answer):
    """Items for one customer."""

    items: list[RecommendedItem]


class ChurnAnswer(Answer):
    """How likely the customer stays away."""

    probability: FiniteFloat = Field(ge=0, le=1)
    explanation: list[Contribution] | None = Field(
        default=None, description="what each feature adds, the largest first, on request"
    )


class ResponseOption(BaseModel):
    """One way to send a message."""

    channel: str
    format: str
    hour: int
    weekday: int
    offer_days: FiniteFloat
    probability: FiniteFloat = Field(ge=0, le=1)


class ResponseAnswer(Answer):
    """How likely the customer responds, by way of sending, the best first."""

    options: list[ResponseOption]


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


class RecommendResult(BaseModel):
    """One of several: an answer, or why there is none."""

    answer: RecommendAnswer | None = None
    problem: ProblemDocument | None = None


class RecommendResults(BaseModel):
    """In the order asked."""

    results: list[RecommendResult]


class ChurnResult(BaseModel):
    """One of several: an answer, or why there is none."""

    answer: ChurnAnswer | None = None
    problem: ProblemDocument | None = None


class ChurnResults(BaseModel):
    """In the order asked."""

    results: list[ChurnResult]


class RefusedEvent(BaseModel):
    """An event that was not taken."""

    place: int = Field(description="in the request, from 0")
    reason: str


class EventsAnswer(BaseModel):
    """What became of the events; those that were taken are on the disk and count in the next answer."""

    accepted: int
    known: int = Field(description="were there already")
    refused: list[RefusedEvent]


class FeedbackAnswer(BaseModel):
    """The feedback is on its way to the disk."""

    prediction_id: str


class ExplanationAnswer(BaseModel):
    """Why an answer was what it was."""

    prediction_id: str
    model: str
    model_version: int
    contributions: list[Contribution] = Field(description="the largest first")
    items: list[RecommendedItem] | None = Field(
        default=None, description="of a recommendation, each with why"
    )


class ModelStatus(BaseModel):
    """What one served model is doing."""

    name: str
    champion: int | None = Field(description="the version that answers; null: there is none yet")
    feature_service: str | None
    algorithm: str | None
    loaded_at: datetime | None
    refused: int | None = Field(description="a newer champion that was not taken")
    reason: str | None = Field(description="why it was not taken")


class TrialStatus(BaseModel):
    """A version on trial beside a champion."""

    name: str
    stage: Literal["shadow", "canary"]
    version: int
    share: FiniteFloat = Field(description="of the customers, who are answered or compared")


class ModelsAnswer(BaseModel):
    """What this server is serving."""

    models: list[ModelStatus]
    trials: list[TrialStatus] = Field(default=[], description="versions on trial beside the champions")
    departments: list[str] = Field(description="what a recommendation may be limited to")
    categories: list[str] = Field(default=[], description="what a recommendation may be limited to, finer")


class Health(BaseModel):
    """Whether the server lives, or can answer."""

    status: Literal["alive", "ready"]
