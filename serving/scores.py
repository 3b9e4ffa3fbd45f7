"""Churn and response: a probability of one customer, or a refusal; never a guess."""

from datetime import datetime
from itertools import product
from typing import Any

import numpy as np

from attune import columns as c
from serving.asking import Row, probabilities
from serving.champions import Champion
from serving.explanations import explained_score
from serving.ground import Ground
from serving.problems import AGAIN, Problem
from serving.reads import Reading
from serving.records import about
from serving.schemas import (
    ChurnAnswer,
    ChurnRequest,
    Contribution,
    ResponseAnswer,
    ResponseOption,
    ResponseRequest,
)


class Scores:
    """Answers questions for a probability, from any thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def churn(self, question: ChurnRequest) -> ChurnAnswer:
        """Say how likely a customer stays away.

        Raises:
            Problem: No champion or no store (503), no consent (403), nothing known of the customer (404).
        """
        version, customer, reading, as_of = self._known("churn", question.customer_id)
        score, why = _scored(version, _values(reading), as_of, question.explain)
        stated = about(version, as_of, reading.degraded)
        answer = ChurnAnswer(**stated, probability=score, explanation=why)
        self._ground.records.remember(answer, customer, reading.row, probability=score)
        shadow = self._ground.lineup.shadow("churn")
        if shadow:
            self._ground.shadows.score(shadow, answer, customer, self._ground.now())
        return answer

    def response(self, question: ResponseRequest) -> ResponseAnswer:
        """Say how likely a customer responds to each way of sending a message.

        Raises:
            Problem: No champion or no store (503), no consent (403), nothing known of the customer (404).
        """
        version, customer, reading, as_of = self._known("response", question.customer_id)
        options = _options(question, self._ground.now())
        scores = probabilities(version, [{**_values(reading), **option} for option in options], as_of)
        order = np.argsort(-scores, kind="stable")
        found = [_option(options[place], float(scores[place])) for place in order]
        answer = ResponseAnswer(**about(version, as_of, reading.degraded), options=found)
        best = found[0].probability
        self._ground.records.remember(answer, customer, reading.row, probability=best)
        return answer

    def _known(self, name: str, customer_id: str) -> tuple[Champion, str, Reading, datetime]:
        """The version that scores a customer, and enough about the customer to do so.

        Raises:
            Problem: One of them is missing.
        """
        customer = self._ground.pseudonym(customer_id)
        version = self._ground.lineup.answering(name, customer)
        if customer not in self._ground.facts.now.customers:
            raise Problem(404, "unknown-customer", "no customer has this id")
        reading = self._ground.reader.read(version, customer, self._ground.now())
        if not reading.consent:
            raise Problem(403, "no-consent", "the customer has not agreed to be scored for this purpose")
        if reading.state == "unreachable":
            raise Problem(503, "no-features", "the feature store does not answer", AGAIN)
        if reading.as_of is None:
            raise Problem(404, "nothing-known", "too little is known about the customer to score")
        return version, customer, reading, reading.as_of


def _scored(
    version: Champion, values: Row, as_of: datetime, explain: bool
) -> tuple[float, list[Contribution] | None]:
    if explain:
        return explained_score(version, values, as_of)
    return float(probabilities(version, [values], as_of)[0]), None


def _values(reading: Reading) -> Row:
    return reading.values or {}


def _options(question: ResponseRequest, now: datetime) -> list[dict[str, Any]]:
    weekdays = question.weekdays or [now.weekday()]
    lists = (question.channels, question.formats, question.hours, weekdays, question.offer_days)
    return [dict(zip(c.MESSAGE_COLUMNS, option, strict=True)) for option in product(*lists)]


def _option(option: dict[str, Any], probability: float) -> ResponseOption:
    return ResponseOption(
        channel=option[c.CHANNEL],
        format=option[c.FORMAT],
        hour=option[c.SENT_HOUR],
        weekday=option[c.SENT_WEEKDAY],
        offer_days=option[c.OFFER_DAYS],
        probability=probability,
    )
