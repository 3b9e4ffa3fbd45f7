"""Recommendations: for a customer, for somebody without a name, beside one item."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attune import columns as c
from attune.errors import ModelError
from attune.features.online import OnlineRow
from attune.recommend import Recommendations, Standing, recommend_for
from serving.asking import ComparesItems
from serving.champions import Champion
from serving.explanations import explain_items
from serving.facts import Facts
from serving.filters import Wanted, require_boosted, require_item, wanted_items
from serving.ground import Ground
from serving.reads import Reading
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


class RecommendationAnswers:
    """Answers questions for items; the caller gives it a thread of its own."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def recommend(self, question: RecommendRequest) -> RecommendAnswer:
        """Recommend items; whoever is not known, or did not agree, gets what is popular.

        Raises:
            Problem: No champion (503), or a filter that names what there is not (422).
        """
        facts = self._ground.facts.now
        wanted = wanted_items(facts, question)
        if question.customer_id is None:
            return self._visitor(question, facts, wanted)
        customer = self._ground.pseudonym(question.customer_id)
        version = self._ground.lineup.answering("recommend", customer)
        known = customer in facts.customers
        reading = self._ground.reader.read(version, customer, self._ground.now()) if known else NOBODY
        standing = Standing(known=known, agreed=reading.consent, features=reading.state)
        moment = reading.as_of or self._ground.now()
        history = reading.values if standing.is_personal else None
        found = _best(version, standing, history, moment, question, wanted, facts)
        degraded = (*found.degraded, *(reason for reason in reading.degraded if reason not in found.degraded))
        because = _because(version, history, found, moment) if question.explain else {}
        stated = about(version, reading.as_of, degraded if known else found.degraded)
        answer = RecommendAnswer(**stated, items=_items(facts, found, because))
        rested_on = reading.row if reading.values else None
        self._remember(answer, customer if rested_on else None, rested_on)
        shadow = self._ground.lineup.shadow("recommend")
        if shadow and history is not None:
            self._ground.shadows.recommend(shadow, answer, customer, self._ground.now())
        return answer

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
        found = _alike(version, question.item_id, question.k, others) or _ranked(
            version, VISITOR, history, now, question.k, others
        )
        answer = RecommendAnswer(**about(version, None, found.degraded), items=_items(facts, found, {}))
        self._remember(answer, None, None)
        return answer

    def _visitor(self, question: RecommendRequest, facts: Facts, wanted: Wanted) -> RecommendAnswer:
        """Answer somebody who gives no name, from what they show; it is written down without the history."""
        now = self._ground.now()
        bought = question.history or []
        # What has not happened yet is as good as just now.
        times = [int(min(each.at or now, now).timestamp()) for each in bought]
        history = {c.HISTORY_ITEMS: [each.item_id for each in bought], c.HISTORY_TIMES: times}
        shown = history if bought else None
        version = self._ground.lineup.answering("recommend", None)
        found = _best(version, VISITOR, shown, now, question, wanted, facts)
        because = _because(version, shown, found, now) if question.explain else {}
        answer = RecommendAnswer(**about(version, None, found.degraded), items=_items(facts, found, because))
        self._remember(answer, None, None)
        return answer

    def _remember(self, answer: RecommendAnswer, customer: str | None, row: OnlineRow | None) -> None:
        items = [item.item_id for item in answer.items]
        scores = [item.score for item in answer.items]
        values = {"items": items, "scores": scores}
        self._ground.records.remember(Given(answer, customer, row, values))


def _best(
    version: Champion,
    standing: Standing,
    history: History | None,
    moment: datetime,
    question: RecommendRequest,
    wanted: Wanted,
    facts: Facts,
) -> Recommendations:
    """The items that a question asks for: filters act before the best are taken, rules among the best."""
    if question.exclude_bought and history:
        wanted = wanted.without(history[c.HISTORY_ITEMS][-MOST_BOUGHT:])
    found = _varied(version, standing, history, moment, question, wanted, facts)
    if not question.slots:
        return found

    def may_be_shown(item: str) -> bool:
        allowed = facts.department_of if wanted.allowed is None else wanted.allowed
        return item in allowed and item not in wanted.excluded

    return with_slots(found, question.slots, may_be_shown, question.k)


def _varied(
    version: Champion,
    standing: Standing,
    history: History | None,
    moment: datetime,
    question: RecommendRequest,
    wanted: Wanted,
    facts: Facts,
) -> Recommendations:
    if not (question.diversity or question.most_per_department or question.boosts):
        return _ranked(version, standing, history, moment, question.k, wanted)
    require_boosted(facts, question.boosts)
    pool = _ranked(version, standing, history, moment, pool_size(question.k), wanted)
    limit = question.most_per_department
    kept = chosen(pool, facts, question.k, question.diversity, limit, question.boosts)
    return Recommendations(
        items=tuple(pool.items[place] for place in kept),
        scores=tuple(pool.scores[place] for place in kept),
        degraded=pool.degraded,
    )


def _ranked(
    version: Champion, standing: Standing, history: History | None, moment: datetime, k: int, wanted: Wanted
) -> Recommendations:
    with part("score"):
        return recommend_for(version.model, standing, history, moment, k, wanted.allowed, wanted.excluded)


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
