"""Churn and response: a probability of one customer, or a refusal; never a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from attune import columns as c
from serving.asking import Row, probabilities
from serving.champions import Champion
from serving.explanations import explained_scores
from serving.ground import Ground
from serving.problems import AGAIN, Problem
from serving.reads import Reading
from serving.records import Given, about
from serving.schemas import (
    ChurnAnswer,
    ChurnRequest,
    Contribution,
    ResponseAnswer,
    ResponseOption,
    ResponseRequest,
)
from serving.together import answers_of

# A probability, and what each feature adds to it where that was asked for.
Score = tuple[float, list[Contribution] | None]


@dataclass(frozen=True)
class Known:
    """Whom to score, by which version, and from what.

    Attributes:
        version: The version that answers.
        customer: By pseudonym.
        reading: What the store said.
        values: Feature -> value.
        as_of: When the values were true.
    """

    version: Champion
    customer: str
    reading: Reading
    values: Row
    as_of: datetime


class Scores:
    """Answers questions for a probability, from any thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def churn(self, question: ChurnRequest) -> ChurnAnswer:
        """Say how likely a customer stays away.

        Raises:
            Problem: No champion or no store (503), no consent (403), nothing known of the customer (404).
        """
        (found,) = self.churn_all([question])
        if isinstance(found, Exception):
            raise found
        return found

    def churn_all(self, questions: Sequence[ChurnRequest]) -> list[ChurnAnswer | Exception]:
        """The same for N customers with one read and one run of the model; what fails for one is its own."""
        known = self._known("churn", [question.customer_id for question in questions])
        asked = zip(known, questions, strict=True)
        scores = iter(_scores([(each, asks.explain) for each, asks in asked if isinstance(each, Known)]))
        found = [_churn_answer(each, next(scores)) if isinstance(each, Known) else each for each in known]
        self._remember(known, found)
        return found

    def response(self, question: ResponseRequest) -> ResponseAnswer:
        """Say how likely a customer responds to each way of sending a message.

        Raises:
            Problem: No champion or no store (503), no consent (403), nothing known of the customer (404).
        """
        (known,) = self._known("response", [question.customer_id])
        if isinstance(known, Problem):
            raise known
        options = _options(question, self._ground.now())
        rows = [{**known.values, **option} for option in options]
        scores = probabilities(known.version, rows, known.as_of)
        order = np.argsort(-scores, kind="stable")
        found = [_option(options[place], float(scores[place])) for place in order]
        answer = ResponseAnswer(**_about(known), options=found)
        values = {"probability": found[0].probability}
        self._ground.records.remember(Given(answer, known.customer, known.reading.row, values))
        return answer

    def _remember(self, known: Sequence[Known | Problem], found: Sequence[ChurnAnswer | Exception]) -> None:
        pairs = [
            (each, answer)
            for each, answer in zip(known, found, strict=True)
            if isinstance(each, Known) and isinstance(answer, ChurnAnswer)
        ]
        shadow = self._ground.lineup.shadow("churn")
        if shadow:
            for each, answer in pairs:
                self._ground.shadows.score(shadow, answer, each.customer, self._ground.now())
        given = [
            Given(answer, each.customer, each.reading.row, {"probability": answer.probability})
            for each, answer in pairs
        ]
        self._ground.records.remember(*given)  # last: what raises before it is answered again, one by one

    def _known(self, name: str, customer_ids: Sequence[str]) -> list[Known | Problem]:
        """Which version scores each of N customers, and enough about them to do so, or what is missing."""
        standing = [self._standing(name, customer_id) for customer_id in customer_ids]
        asked = [each for each in standing if not isinstance(each, Problem)]
        readings = iter(self._ground.reader.read_each(asked, self._ground.now()))
        return [each if isinstance(each, Problem) else _enough(*each, next(readings)) for each in standing]

    def _standing(self, name: str, customer_id: str) -> tuple[Champion, str] | Problem:
        """The version that answers a customer, and their pseudonym."""
        customer = self._ground.pseudonym(customer_id)
        try:
            version = self._ground.lineup.answering(name, customer)
        except Problem as problem:
            return problem
        if customer not in self._ground.facts.now.customers:
            return Problem(404, "unknown-customer", "no customer has this id")
        return version, customer


def _enough(version: Champion, customer: str, reading: Reading) -> Known | Problem:
    """What a score rests on, or why there is none."""
    if not reading.consent:
        return Problem(403, "no-consent", "the customer has not agreed to be scored for this purpose")
    if reading.state == "unreachable":
        return Problem(503, "no-features", "the feature store does not answer", AGAIN)
    if reading.values is None or reading.as_of is None:
        return Problem(404, "nothing-known", "too little is known about the customer to score")
    return Known(version, customer, reading, reading.values, reading.as_of)


def _scores(asked: Sequence[tuple[Known, bool]]) -> list[Score | Exception]:
    """The probabilities of N customers, with or without reasons; what is alike by one run of the model."""
    alike: dict[tuple[int, datetime, bool], list[int]] = {}
    for place, (each, explain) in enumerate(asked):
        alike.setdefault((id(each.version), each.as_of, explain), []).append(place)
    found: dict[int, Score | Exception] = {}
    for (_, _, explain), places in alike.items():
        scores = answers_of(partial(_run, explain=explain), [asked[place][0] for place in places])
        found |= zip(places, scores, strict=True)
    return [found[place] for place in range(len(asked))]


def _run(known: Sequence[Known], explain: bool) -> list[Score]:
    """The probabilities of customers of one version and one moment."""
    version, as_of, rows = known[0].version, known[0].as_of, [each.values for each in known]
    if explain:
        return [(score, why) for score, why in explained_scores(version, rows, as_of)]
    return [(score, None) for score in probabilities(version, rows, as_of).tolist()]


def _churn_answer(known: Known, score: Score | Exception) -> ChurnAnswer | Exception:
    if isinstance(score, Exception):
        return score
    probability, why = score
    return ChurnAnswer(**_about(known), probability=probability, explanation=why)


def _about(known: Known) -> dict[str, Any]:
    return about(known.version, known.as_of, known.reading.degraded)


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
