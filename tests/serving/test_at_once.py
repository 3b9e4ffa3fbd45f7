import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from attune.errors import FeatureError
from attune.features.online import OnlineRow
from serving.access import Access
from serving.api_keys import ApiKeys
from serving.breaker import Breaker
from serving.edge import Edge
from serving.reads import QUICK_SECONDS, GuardedStore
from serving.settings import ServingSettings
from tests.serving.conftest import NOW
from tests.serving.test_edge import AS_JSON, GOOD, ROUTES, Answer, Question, ask, post, problem


class Slow:
    """A store that takes its time, or fails where that is less than none; and the clock that shows it."""

    def __init__(self) -> None:
        self.seconds, self.now = 0.0, 0.0
        self.guarded = GuardedStore(self, Breaker(), lambda: self.now)

    def online(self, service, keys, now):
        if self.seconds < 0:
            raise FeatureError("away")
        self.now += self.seconds
        return [OnlineRow(key, {}, {}, {}) for key in keys]


def test_a_store_is_quick_as_long_as_its_last_answer_was():
    guarded = (store := Slow()).guarded
    assert not guarded.is_quick  # nobody has asked yet
    guarded.online("churn_v1", ["ann"], NOW)
    assert guarded.is_quick
    store.seconds = 2 * QUICK_SECONDS
    guarded.online("churn_v1", ["ann"], NOW)
    assert not guarded.is_quick
    store.seconds = 0
    guarded.online("churn_v1", ["ann"], NOW)
    store.seconds = -1
    with pytest.raises(FeatureError):
        guarded.online("churn_v1", ["ann"], NOW)
    assert not guarded.is_quick


def test_who_may_not_be_read_says_nothing_about_the_store():
    guarded = (store := Slow()).guarded
    store.seconds = -1
    with pytest.raises(FeatureError):
        guarded.online("churn_v1", ["ann"], NOW)
    assert guarded.online("churn_v1", [], NOW) == []
    assert not guarded.is_quick


def quick(question: Question) -> Awaitable[Answer] | None:
    return None if question.word == "later" else asyncio.sleep(0, Answer(words=["at", "once"]))


def edge(**settings: int) -> Edge:
    routes = {**ROUTES, "/repeat": replace(ROUTES["/repeat"], at_once=quick)}
    return Edge(None, lambda: routes, Access(ApiKeys()), ServingSettings(**settings))


def test_what_can_be_said_at_once_is_and_the_rest_is_said_as_ever():
    assert post(edge(), GOOD).json() == {"words": ["at", "once"]}
    assert post(edge(), b'{"word": "later"}').json() == {"words": ["later"]}


def test_who_is_answered_at_once_takes_a_place_too():
    app = edge(concurrency=1)

    async def together():
        asked = (ask(app, "POST", "/repeat", content=GOOD, headers=AS_JSON) for _ in range(3))
        return await asyncio.gather(*asked)

    first, *others = sorted(asyncio.run(together()), key=lambda response: response.status_code)
    assert first.status_code == 200
    for each in others:
        problem(each, 429, "overloaded")
