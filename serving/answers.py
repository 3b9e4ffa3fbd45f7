"""The answers: for whom, from what is known of them, by which champion, and how it is remembered."""

import uuid
from datetime import UTC, datetime
from typing import Any

from attune import columns as c
from attune.data.pseudonyms import pseudonym
from attune.errors import FeatureError
from attune.features.online import OnlineFeatures, OnlineRow
from attune.features.value_digest import digests_of
from attune.recommend import Features, Recommendations, Standing, recommend_for
from serving import examples, metrics
from serving.champions import Champion, Champions
from serving.facts import Facts, LatestFacts
from serving.prediction_log import PredictionLog, PredictionRecord
from serving.problems import Problem
from serving.schemas import (
    Answer,
    ChurnAnswer,
    ChurnRequest,
    Degradation,
    Fault,
    RecommendAnswer,
    RecommendedItem,
    RecommendRequest,
)
from serving.settings import ServingSettings

AGAIN = {"retry-after": "5"}


class Answers:
    """Answers questions one at a time; the caller gives it a thread of its own."""

    def __init__(
        self,
        champions: Champions,
        features: OnlineFeatures,
        facts: LatestFacts,
        key: bytes,
        log: PredictionLog,
        settings: ServingSettings,
    ) -> None:
        """Take what answers rest on.

        Args:
            champions: The models that serve.
            features: The online feature store.
            facts: Who is known and agreed to what.
            key: Turns customer ids into pseudonyms.
            log: Remembers each answer.
            settings: The time that requests count as.
        """
        self._champions = champions
        self._features = features
        self._facts = facts
        self._key = key
        self._log = log
        self._settings = settings

    def churn(self, question: ChurnRequest) -> ChurnAnswer:
        """Say how likely a customer stays away; refuse rather than guess.

        Raises:
            Problem: No champion or no store (503), no consent (403), nothing known of the customer (404).
        """
        champion = self._champion("churn")
        facts = self._facts.now
        customer = pseudonym(self._key, question.customer_id)
        if customer not in facts.customers:
            raise Problem(404, "unknown-customer", "no customer has this id")
        if not facts.have_agreement(customer, champion.purpose):
            raise Problem(403, "no-consent", "the customer has not agreed to be scored for this purpose")
        try:
            row = self._row(champion, customer)
        except FeatureError as error:
            raise Problem(503, "no-features", "the feature store does not answer", AGAIN) from error
        if not examples.is_complete(row):
            raise Problem(404, "nothing-known", "too little is known about the customer to score")
        as_of = examples.as_of(row)
        score = float(champion.model.score(examples.example(row.values, as_of))[0])
        if not 0 <= score <= 1:
            raise Problem(500, "unsound-answer", "the model gave no probability; nothing is answered")
        degraded: list[Degradation] = ["stale_features"] if examples.is_stale(row) else []
        answer = ChurnAnswer(**_about(champion, as_of), degraded=degraded, probability=score)
        self._remember(answer, customer, row, probability=score)
        return answer

    def recommend(self, question: RecommendRequest) -> RecommendAnswer:
        """Recommend items; whoever is not known, or did not agree, gets what is popular.

        Raises:
            Problem: No champion (503), or a department that there is not (422).
        """
        champion = self._champion("recommend")
        facts = self._facts.now
        allowed = _allowed(facts, question.departments)
        customer = pseudonym(self._key, question.customer_id)
        known = customer in facts.customers
        agreed = known and facts.have_agreement(customer, champion.purpose)
        row, state = self._history(champion, customer) if agreed else (None, "missing")
        standing = Standing(known=known, agreed=agreed, features=state)
        as_of = examples.as_of(row) if row else None
        moment = as_of or self._settings.moment(datetime.now(UTC))
        values = row.values if row else None
        found = recommend_for(champion.model, standing, values, moment, question.k, allowed)
        items = _items(facts, found)
        answer = RecommendAnswer(**_about(champion, as_of), degraded=list(found.degraded), items=items)
        self._remember(
            answer,
            customer if row else None,
            row,
            items=[item.item_id for item in items],
            scores=[item.score for item in items],
        )
        return answer

    def _champion(self, name: str) -> Champion:
        champion = self._champions.of(name)
        if champion:
            return champion
        if self._champions.refusal(name):
            raise Problem(
                503, "champion-refused", f"the champion of {name} was refused; see /v1/models", AGAIN
            )
        raise Problem(503, "no-champion", f"no champion yet for {name}", AGAIN)

    def _row(self, champion: Champion, customer: str) -> OnlineRow:
        now = self._settings.moment(datetime.now(UTC))
        (row,) = self._features.online(champion.service, [customer], now)
        return row

    def _history(self, champion: Champion, customer: str) -> tuple[OnlineRow | None, Features]:
        """A customer's history, where there is one, and in which state the store has it."""
        try:
            row = self._row(champion, customer)
        except FeatureError:
            return None, "unreachable"
        if not examples.is_complete(row):
            return None, "missing"
        return row, "stale" if examples.is_stale(row) else "fresh"

    def _remember(self, answer: Answer, customer: str | None, row: OnlineRow | None, **given: Any) -> None:
        """Log an answer; it names the customer only where it is about them."""
        about = answer.model_dump(include=set(Answer.model_fields))
        if row:
            about["features"] = digests_of(answer.feature_service, row)
        record = PredictionRecord(**about, at=datetime.now(UTC), customer=customer, **given)
        if not self._log.write(record):
            metrics.UNLOGGED.inc()
        for reason in answer.degraded:
            metrics.DEGRADED.labels(answer.model, reason).inc()


def _about(champion: Champion, as_of: datetime | None) -> dict[str, Any]:
    return {
        "prediction_id": uuid.uuid4().hex,
        "model": champion.name,
        "model_version": champion.number,
        "feature_service": champion.service,
        "as_of": as_of,
    }


def _allowed(facts: Facts, departments: list[str] | None) -> frozenset[str] | None:
    if departments is None:
        return None
    wrong = [index for index, name in enumerate(departments) if name not in facts.departments]
    if wrong:
        message = "there is no such department; /v1/models lists what there is"
        faults = [Fault(location=["departments", index], message=message) for index in wrong]
        raise Problem(
            422, "invalid-request", "the request names departments that there are not", errors=faults
        )
    return frozenset().union(*(facts.departments[name] for name in departments))


def _items(facts: Facts, found: Recommendations) -> list[RecommendedItem]:
    return [
        RecommendedItem(item_id=item, score=score, department=facts.department_of.get(item, c.UNKNOWN))
        for item, score in zip(found.items, found.scores, strict=True)
    ]
