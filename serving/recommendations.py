"""Recommendations: for a customer, for somebody without a name, beside one item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attune import columns as c
from attune.errors import ModelError
from attune.recommend import Asked, Recommendations, Standing, recommend_each
from serving.asking import ComparesItems
from serving.champions import Champion
from serving.explanations import explain_items
from serving.facts import Facts
from serving.filters import Wanted, require_boosted, require_item, wanted_items
from serving.ground import Ground
from serving.problems import Problem
from serving.reads import Reading, places_of
from serving.records import Given, about
from serving.rules import chosen, pool_size, with_slots
from serving.schemas import (
    MOST_BOUGHT,
    Contribution,
    RecommendAnswer,
    RecommendedItem,
    RecommendRequest,
    SimilarRequest,
)
from serving.traces import part

NOBODY = Reading(consent=False, state="missing")
VISITOR = Standing(known=True, agreed=True, features="fresh")
History = Mapping[str, Any]
Reasons = Mapping[str, list[Contribution]]


@dataclass(frozen=True)
class Asker:
    """Who asks, and which version answers them.

    Attributes:
        question: What they ask.
        version: The version that answers.
        customer: By pseudonym; None for a visitor, who gives no name.
        is_known: Whether they are one of the shop's customers.
        wanted: The items that their filters leave.
    """

    question: RecommendRequest
    version: Champion
    customer: str | None
    is_known: bool
    wanted: Wanted


@dataclass(frozen=True)
class Told:
    """What an answer rests on.

    Attributes:
        asker: Who asks.
        reading: What the store said.
        standing: What may be used of it.
        history: The purchases that may be used; None where there are none.
        moment: What ages are counted from.
        wanted: The items that may be recommended.
    """

    asker: Asker
    reading: Reading
    standing: Standing
    history: History | None
    moment: datetime
    wanted: Wanted


class RecommendationAnswers:
    """Answers questions for items; the caller gives it a thread of its own."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def recommend(self, question: RecommendRequest) -> RecommendAnswer:
        """Recommend items; whoever is not known, or did not agree, gets what is popular.

        Raises:
            Problem: No champion (503), or a filter that names what there is not (422).
        """
        (found,) = self.recommend_all([question])
        if isinstance(found, Problem):
            raise found
        return found

    def recommend_all(self, questions: Sequence[RecommendRequest]) -> list[RecommendAnswer | Problem]:
        """The same for N questions, with one read of the store for each version that answers.

        Nothing is written down before all are answered.
        """
        facts, now = self._ground.facts.now, self._ground.now()
        askers = [self._asker(question, facts) for question in questions]
        told = self._told([each for each in askers if isinstance(each, Asker)], now)
        answers = [_answer(each, found, facts) for each, found in zip(told, _found(told, facts), strict=True)]
        pairs = list(zip(told, answers, strict=True))
        for each, answer in pairs:
            self._ask_shadow(each, answer, now)
        given = [_given(answer, each.asker.customer, each.reading) for each, answer in pairs]
        self._ground.records.remember(*given)
        left = iter(answers)
        return [next(left) if isinstance(each, Asker) else each for each in askers]

    def similar(self, question: SimilarRequest) -> RecommendAnswer:
        """Recommend what goes with one item: what is alike, or what a history of that item alone leads to.

        Raises:
            Problem: No champion (503), an item or a filter that there is not (404, 422).
        """
        facts = self._ground.facts.now
        wanted = wanted_items(facts, question)
        require_item(facts, question.item_id)
        now = self._ground.now()
        history = {c.HISTORY_ITEMS: [question.item_id], c.HISTORY_TIMES: [int(now.timestamp())]}
        version = self._ground.lineup.answering("recommend", None)
        others = wanted.without([question.item_id])
        found = _alike(version, question.item_id, question.k, others)
        if found is None:
            asked = Asked(VISITOR, history, now, question.k, others.allowed, others.excluded)
            with part("score"):
                (found,) = recommend_each(version.model, [asked])
        answer = RecommendAnswer(**about(version, None, found.degraded), items=_items(facts, found, {}))
        self._ground.records.remember(_given(answer, None, NOBODY))
        return answer

    def _asker(self, question: RecommendRequest, facts: Facts) -> Asker | Problem:
        customer = None
        try:
            wanted = wanted_items(facts, question)
            require_boosted(facts, question.boosts)
            if question.customer_id is not None:
                customer = self._ground.pseudonym(question.customer_id)
            version = self._ground.lineup.answering("recommend", customer)
        except Problem as problem:
            return problem
        return Asker(question, version, customer, customer in facts.customers, wanted)

    def _told(self, askers: Sequence[Asker], now: datetime) -> list[Told]:
        named = [(each.version, each.customer) for each in askers if each.customer and each.is_known]
        readings = iter(self._ground.reader.read_each(named, now))
        return [_told(each, next(readings) if each.is_known else NOBODY, now) for each in askers]

    def _ask_shadow(self, told: Told, answer: RecommendAnswer, now: datetime) -> None:
        shadow, customer = self._ground.lineup.shadow("recommend"), told.asker.customer
        if shadow and customer and told.history is not None:
            self._ground.shadows.recommend(shadow, answer, customer, now)


def _told(asker: Asker, reading: Reading, now: datetime) -> Told:
    if asker.customer is None:
        standing, history, moment = VISITOR, _shown(asker.question, now), now
    else:
        standing = Standing(known=asker.is_known, agreed=reading.consent, features=reading.state)
        history = reading.values if standing.is_personal else None
        moment = reading.as_of or now
    wanted = asker.wanted
    if asker.question.exclude_bought and history:
        wanted = wanted.without(history[c.HISTORY_ITEMS][-MOST_BOUGHT:])
    return Told(asker, reading, standing, history, moment, wanted)


def _shown(question: RecommendRequest, now: datetime) -> History | None:
    """What a visitor shows of themselves; it is not written down."""
    bought = question.history or []
    # What has not happened yet is as good as just now.
    times = [int(min(each.at or now, now).timestamp()) for each in bought]
    history = {c.HISTORY_ITEMS: [each.item_id for each in bought], c.HISTORY_TIMES: times}
    return history if bought else None


def _found(told: Sequence[Told], facts: Facts) -> list[Recommendations]:
    """The items that are asked for: filters act before the best are taken, rules among the best."""
    found: dict[int, Recommendations] = {}
    for version, places in places_of([each.asker.version for each in told]):
        asked = [_asked(told[place]) for place in places]
        with part("score"):
            best = recommend_each(version.model, asked)
        for place, each in zip(places, best, strict=True):
            found[place] = _by_rules(told[place], each, facts)
    return [found[place] for place in range(len(told))]


def _asked(told: Told) -> Asked:
    """What the model is asked for: more than the question wants where rules choose among it."""
    k = told.asker.question.k
    if _has_rules(told.asker.question):
        k = pool_size(k)
    return Asked(told.standing, told.history, told.moment, k, told.wanted.allowed, told.wanted.excluded)


def _by_rules(told: Told, found: Recommendations, facts: Facts) -> Recommendations:
    question, wanted = told.asker.question, told.wanted
    if _has_rules(question):
        limit = question.most_per_department
        kept = chosen(found, facts, question.k, question.diversity, limit, question.boosts)
        found = Recommendations(
            items=tuple(found.items[place] for place in kept),
            scores=tuple(found.scores[place] for place in kept),
            degraded=found.degraded,
        )
    if not question.slots:
        return found

    def may_be_shown(item: str) -> bool:
        allowed = facts.department_of if wanted.allowed is None else wanted.allowed
        return item in allowed and item not in wanted.excluded

    return with_slots(found, question.slots, may_be_shown, question.k)


def _has_rules(question: RecommendRequest) -> bool:
    return bool(question.diversity or question.most_per_department or question.boosts)


def _answer(told: Told, found: Recommendations, facts: Facts) -> RecommendAnswer:
    version, reading = told.asker.version, told.reading
    degraded = (*found.degraded, *(reason for reason in reading.degraded if reason not in found.degraded))
    because = _because(version, told.history, found, told.moment) if told.asker.question.explain else {}
    stated = about(version, reading.as_of, degraded)
    return RecommendAnswer(**stated, items=_items(facts, found, because))


def _given(answer: RecommendAnswer, customer: str | None, reading: Reading) -> Given:
    """What is remembered: the customer only where the answer rests on what is known of them."""
    row = reading.row if reading.values else None
    values = {
        "items": [item.item_id for item in answer.items],
        "scores": [item.score for item in answer.items],
    }
    return Given(answer, customer if row else None, row, values)


def _alike(version: Champion, item: str, k: int, wanted: Wanted) -> Recommendations | None:
    """The items that the champion itself calls alike; None where it cannot, or does not know the item."""
    if not isinstance(version.model, ComparesItems):
        return None
    try:
        items, scores = version.model.similar(item, k + len(wanted.excluded), wanted.allowed)
    except ModelError:
        return None
    kept = [place for place, each in enumerate(items) if each not in wanted.excluded][:k]
    return Recommendations(
        items=tuple(items[place] for place in kept),
        scores=tuple(scores[place] for place in kept),
        degraded=(),
    )


def _because(version: Champion, history: History | None, found: Recommendations, moment: datetime) -> Reasons:
    if not history or not found.items:
        return {}
    shown = {name: list(history[name]) for name in (c.HISTORY_ITEMS, c.HISTORY_TIMES)}
    return explain_items(version, shown, found.items, moment)


def _items(facts: Facts, found: Recommendations, because: Reasons) -> list[RecommendedItem]:
    return [
        RecommendedItem(
            item_id=item,
            score=score,
            department=facts.department_of.get(item, c.UNKNOWN),
            because=because.get(item),
        )
        for item, score in zip(found.items, found.scores, strict=True)
    ]
